"""Figures of market data: pure builders from columns to ``plotly.graph_objects.Figure``, for frames and feeds alike.

plotly is imported when the first figure is built, never before.
"""
