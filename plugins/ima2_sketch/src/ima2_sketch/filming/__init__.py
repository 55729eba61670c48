"""Short clips, apart from ima2: a drawing and a moving camera in, an MP4 out. Needs PyAV."""
