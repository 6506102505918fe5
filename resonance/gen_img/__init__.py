"""kohya's gen_img: its command line, and the graphs that paint what it asks for."""
