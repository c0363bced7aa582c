"""The reader: MiniLM with theme heads, in as much PyTorch as it takes to train and to export it.

The layers are those of BERT (Devlin et al. 2019) under the names that Hugging Face gives their
weights. Two things are read off the last layer's token vectors H, shape (tokens, 384):

* the general vector: the mean of H, as in the base model;
* one logit a theme: each theme weighs the tokens by attention of its own (Mullenbach et al. 2018,
  "Explainable Prediction of Medical Codes from Clinical Text"), a = softmax(H q), then
  logit = w . (a H) + b.
"""

import json
import re
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from torch import nn

CODEBOOK = "cooperation"
THEMES = [
    "politics", "security", "connectivity", "trade", "investment", "technology",
    "energy", "culture", "multilateral", "disputes", "relief",
]
HIDDEN, LAYERS, HEADS, MIDDLE, POSITIONS = 384, 6, 12, 1536, 256
EPS = 1e-12


class Layer(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.query, self.key, self.value, self.attended = (nn.Linear(HIDDEN, HIDDEN) for _ in range(4))
        self.norm1 = nn.LayerNorm(HIDDEN, eps=EPS)
        self.wide, self.narrow = nn.Linear(HIDDEN, MIDDLE), nn.Linear(MIDDLE, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=EPS)
        self.dropout = dropout

    def forward(self, x, mask):
        rows, tokens, _ = x.shape
        split = lambda y: y.view(rows, tokens, HEADS, -1).transpose(1, 2)
        p = self.dropout if self.training and self.query.weight.requires_grad else 0.0
        y = F.scaled_dot_product_attention(
            split(self.query(x)), split(self.key(x)), split(self.value(x)), attn_mask=mask, dropout_p=p)
        y = self.attended(y.transpose(1, 2).reshape(rows, tokens, HIDDEN))
        x = self.norm1(x + F.dropout(y, p, self.training))
        y = self.narrow(F.gelu(self.wide(x)))
        return self.norm2(x + F.dropout(y, p, self.training))


class Reader(nn.Module):
    def __init__(self, n_tokens, dropout=0.1):
        super().__init__()
        self.words = nn.Embedding(n_tokens, HIDDEN)
        self.positions = nn.Embedding(POSITIONS, HIDDEN)
        self.kinds = nn.Embedding(2, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=EPS)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))
        self.queries = nn.Parameter(torch.zeros(len(THEMES), HIDDEN))
        self.outputs = nn.Parameter(torch.randn(len(THEMES), HIDDEN) * 0.02)
        self.biases = nn.Parameter(torch.full((len(THEMES),), -2.0))
        self.dropout = dropout

    def forward(self, ids, mask):
        """ids, mask: (rows, tokens). Returns vectors (rows, 384) of length 1, logits (rows, themes)."""
        x = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.kinds.weight[0]
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
        x = x.float()
        weights = mask.float()
        vectors = (x * weights[:, :, None]).sum(1) / weights.sum(1, keepdim=True)
        attention = (x @ self.queries.T).masked_fill(~mask[:, :, None], -1e9).softmax(1)
        seen = F.dropout(attention.transpose(1, 2) @ x, self.dropout, self.training)
        return F.normalize(vectors, dim=1), (seen * self.outputs).sum(2) + self.biases


# Names of the weights: here -> Hugging Face.
NAMES = {
    "words.weight": "embeddings.word_embeddings.weight",
    "positions.weight": "embeddings.position_embeddings.weight",
    "kinds.weight": "embeddings.token_type_embeddings.weight",
    "norm": "embeddings.LayerNorm",
    "queries": "heads.queries", "outputs": "heads.outputs", "biases": "heads.biases",
}
for _i in range(LAYERS):
    for _here, _there in {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "attended": "attention.output.dense", "norm1": "attention.output.LayerNorm",
        "wide": "intermediate.dense", "narrow": "output.dense", "norm2": "output.LayerNorm",
    }.items():
        NAMES[f"layers.{_i}.{_here}"] = f"encoder.layer.{_i}.{_there}"


def exported(name):
    """The Hugging Face name of the weight `name` of a Reader."""
    if name in NAMES:
        return NAMES[name]
    module, kind = name.rsplit(".", 1)
    return f"{NAMES[module]}.{kind}"


class Vocabulary:
    """The tokens of vocab.txt by line, then [UNK], [CLS], [SEP]: the base model's others are left out."""

    def __init__(self, base, vocabulary):
        self.tokenizer = Tokenizer.from_file(str(Path(base) / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        tokens = Path(vocabulary).read_text(encoding="utf-8").split("\n")[:-1]
        kept = [self.tokenizer.token_to_id(token) for token in tokens + ["[UNK]", "[CLS]", "[SEP]"]]
        assert None not in kept, "vocab.txt has a token that the base model lacks"
        self.base_ids, self.n_tokens = kept, len(kept)
        self.unknown, self.first, self.last = range(len(kept) - 3, len(kept))
        self.ids = np.full(self.tokenizer.get_vocab_size(), self.unknown)
        self.ids[kept] = np.arange(len(kept))

    def encode(self, texts, most=128):
        """Ids of each text, at most `most` of them with those around it."""
        rows = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [[self.first, *self.ids[row.ids[: most - 2]].tolist(), self.last] for row in rows]


def base_reader(base, vocabulary):
    """The base model's weights; the heads know nothing yet."""
    found = load_file(str(Path(base) / "model.safetensors"))
    found = {name.removeprefix("bert."): value for name, value in found.items()}
    model = Reader(vocabulary.n_tokens)
    state = {}
    for name, own in model.state_dict().items():
        value = found.get(exported(name))
        if name == "words.weight":
            value = value[vocabulary.base_ids]
        if name == "positions.weight":
            value = value[:POSITIONS]
        state[name] = own if value is None else torch.from_numpy(np.ascontiguousarray(value))
    model.load_state_dict(state)
    return model


def padded(rows):
    """Lists of ids -> ids and mask, both (rows, tokens of the longest)."""
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = True
    return ids, mask


@torch.no_grad()
def read(model, rows, batch=64, bf16=False):
    """Vectors and logits of each row of ids, in order."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    vectors, logits = np.zeros((len(rows), HIDDEN), np.float32), np.zeros((len(rows), len(THEMES)), np.float32)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            v, l = model(*padded([rows[i] for i in part]))
        vectors[part], logits[part] = v.float().numpy(), l.float().numpy()
    return vectors, logits


def clauses(text, least=4):
    """A rough cut into clauses of at least `least` words."""
    parts = []
    for part in re.split(r"(?<=[,;:])\s+|\s+(?=(?:and|but|while|including|as well as)\s)", text):
        if parts and (len(parts[-1].split()) < least or len(part.split()) < least):
            parts[-1] += " " + part
        else:
            parts.append(part)
    return parts


def half(document):
    """0 for the documents that the dictionary was tuned on, 1 for those held out."""
    return zlib.crc32(document.encode()) % 2


def read_jsonl(path):
    path = str(path)
    if path.endswith(".zst"):
        import zstandard
        with open(path, "rb") as file:
            text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    else:
        text = Path(path).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def sentences_of(documents, n, seed):
    """`n` sentences drawn from documents, cut roughly and without their line ends."""
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < n:
        text = re.sub(r"\s+", " ", documents[rng.integers(len(documents))]["text"])
        parts = [s for s in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text) if 5 <= len(s.split()) <= 70]
        drawn += [parts[i] for i in rng.permutation(len(parts))[:20]]
    return drawn[:n]


def f1(logits, labels, threshold):
    """F1 of each theme where the probability is at least `threshold`."""
    said = logits >= np.log(threshold / (1 - threshold))
    both = (said & labels).sum(0)
    return 2 * both / np.maximum(said.sum(0) + labels.sum(0), 1)


def figures(logits, labels):
    """Macro F1 at 0.5 and at the best single threshold of all themes, and F1 by theme at that one."""
    grid = np.arange(0.1, 0.9, 0.02)
    best = max(grid, key=lambda t: f1(logits, labels, t).mean())
    return {
        "macro_f1_at_half": round(float(f1(logits, labels, 0.5).mean()), 4),
        "macro_f1_at_best": round(float(f1(logits, labels, best).mean()), 4),
        "best_threshold": round(float(best), 2),
        "f1_at_best": dict(zip(THEMES, f1(logits, labels, best).round(3).tolist())),
    }


def configured(base):
    """The config.json of the reader, from that of the base model."""
    config = json.loads((Path(base) / "config.json").read_text())
    kept = ["model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "hidden_act", "layer_norm_eps", "type_vocab_size"]
    return {key: config[key] for key in kept} | {
        "max_position_embeddings": POSITIONS,
        "vocab_size": None,
        "themeline_heads": {"codebook": CODEBOOK, "labels": THEMES},
    }


def save(out, tensors, args, vocabulary):
    """Writes the folder that themeline opens: config.json, vocab.txt, model.safetensors."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(out / "model.safetensors"))
    config = configured(args.base) | {"vocab_size": vocabulary.n_tokens}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "vocab.txt").write_bytes(Path(args.vocabulary).read_bytes())


def quantised(state):
    """Weights -> tensors of the file: matrices as i8 in rows with an f16 scale each, vectors as f16."""
    tensors = {}
    for name, value in state.items():
        value, name = value.float().numpy(), exported(name)
        if value.ndim == 1 or name.startswith("heads."):
            tensors[name] = value.astype(np.float16)
            continue
        scale = np.maximum(np.abs(value).max(1) / 127, 1e-6).astype(np.float16)
        tensors[name] = np.clip(np.round(value / scale[:, None].astype(np.float32)), -127, 127).astype(np.int8)
        tensors[name + ".scales"] = scale
    return tensors


def dequantised(tensors, model):
    """The same model with the weights that the file holds."""
    state = {}
    for name in model.state_dict():
        value = tensors[exported(name)].astype(np.float32)
        scale = tensors.get(exported(name) + ".scales")
        state[name] = torch.from_numpy(value if scale is None else value * scale[:, None].astype(np.float32))
    model.load_state_dict(state)
    return model
