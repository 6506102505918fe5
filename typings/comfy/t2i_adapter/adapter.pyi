import torch

class StyleAdapter(torch.nn.Module):
    style_embedding: torch.nn.Parameter
    proj: torch.nn.Parameter
