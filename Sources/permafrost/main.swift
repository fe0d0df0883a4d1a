print("permafrost")
