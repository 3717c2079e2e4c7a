"""The window: pages, the widgets they share, and run(), which shows them."""
