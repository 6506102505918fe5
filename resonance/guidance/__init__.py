"""What a picture is pulled towards while it is painted, as a number that falls, without ComfyUI."""
