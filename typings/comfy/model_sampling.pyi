import torch

class ModelSamplingDiscrete(torch.nn.Module):
    def timestep(self, sigma: torch.Tensor) -> torch.Tensor: ...
