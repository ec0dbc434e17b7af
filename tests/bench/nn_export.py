# SPDX-License-Identifier: Apache-2.0
# Exports torchvision's nets with random weights, opset 13:  nn_export.py FOLDER NET...
import sys

import torch
import torchvision.models as models

torch.manual_seed(1)
for name in sys.argv[2:]:
    if name == "fashion":
        continue
    net = getattr(models, name)(weights=None)
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.8, 1.2)
    torch.onnx.export(net.eval(), torch.zeros(1, 3, 224, 224), f"{sys.argv[1]}/{name}.onnx",
                      opset_version=13, input_names=["x"], output_names=["y"])
