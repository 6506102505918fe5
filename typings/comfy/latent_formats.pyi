class LatentFormat:
    latent_channels: int
    latent_dimensions: int
    spacial_downscale_ratio: int
