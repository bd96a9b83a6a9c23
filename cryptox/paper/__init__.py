"""An exchange on this machine that speaks Binance's protocol."""
