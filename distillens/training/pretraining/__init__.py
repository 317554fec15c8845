"""One way to train on a corpus without labels a file: a ``Pretraining`` with its ``losses``.

Examples
--------
A whole method: plain masked-language modelling.

>>> from torch.nn import functional as F
>>> from distillens.training.pretrain import MaskedLanguage, at_positions, inputs_of
>>> OPTIONS = {}
>>> class Pretraining(MaskedLanguage):
...     def losses(self, model, batch):
...         masked = batch["labels"] != -100
...         logits, _, _ = at_positions(model, inputs_of(model, batch), masked)
...         return {"mlm": F.cross_entropy(logits, batch["labels"][masked])}

>>> import torch
>>> from transformers import BertConfig, BertForMaskedLM
>>> config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
>>> batch = {"input_ids": torch.tensor([[1, 2, 3]]), "labels": torch.tensor([[-100, 5, -100]])}
>>> new = Pretraining.__new__(Pretraining)  # a Trainer, whose constructor wants a model and data
>>> list(new.losses(BertForMaskedLM(config), batch))
['mlm']
"""
