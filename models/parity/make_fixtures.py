"""Makes the reference vectors that prove the encoder (tests/fixtures/).

Two kinds, both computed by PyTorch, never by themeline:

* `minilm/`: sentences of our own and their vectors by sentence-transformers from the real
  all-MiniLM-L6-v2. The test that reads them needs the model and says so where it is missing.
* `tiny-bert/`: a random BERT (2 layers, hidden size 32, a vocabulary of its own) with its outputs by
  transformers, for mean, CLS and max pooling and for texts longer than its window. Small enough to
  be committed, so that the encoder's arithmetic is tested everywhere.

Needs Python with `torch`, `transformers`, `sentence-transformers` and `safetensors`:

    python models/parity/make_fixtures.py --minilm FOLDER_WITH_ALL_MINILM_L6_V2
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"

TEXTS = [
    "The two sides agreed to reopen the rail link before the harvest.",
    "Trade.",
    "a",
    "They spoke of ports, border gates, power lines and a bridge; of rice, coffee and durian; and of "
    "visas for students.",
    "Both ministers praised the warm weather and the long friendship between their peoples.",
    "A coast guard hotline will be tested twice a year.",
    "The loan of 250 million dollars carries 1.5% interest over 20 years.",
    "Việt Nam và Trung Quốc là láng giềng.",
    "Zürich, São Paulo, Kraków, İzmir: four café-lined cities.",
    "双方同意加强合作。",
    "Обе стороны подтвердили договорённости.",
    "The so-called “new format” — announced in May — isn’t a treaty…",
    "E-mail: press@example.org; see https://example.org/a_b?c=d&e=1#f (in French).",
    "1. Item one\n2. Item two\n\n\tIndented.",
    "UPPER CASE HEADLINE ABOUT VACCINES AND FLOOD RELIEF",
    "antidisestablishmentarianism counterrevolutionaries electroencephalographically",
    "[CLS] brackets [SEP] in the text [MASK] itself",
    "x" * 120 + " is too long for a word",
    "Emoji 🚢🚆 and symbols ∑ ≤ € £ ¥ § ¶",
    "soft\u00adhyphen zero\u200bwidth no\u00a0break",
    "We will not accept any change to the status of the strait by force.",
    "Scientists from the two academies will share data on river pollution and glacier melt.",
    "More than forty young officials finished a course on customs inspection.",
    "The president laid a wreath, toured the museum and left for the airport.",
    "Peacekeepers, demining teams and field hospitals were the subject of the third session.",
    "He said tariffs on steel should fall, and that supply chains for chips need more than one root.",
    "No country should choose sides, and small states need the law of the sea most of all.",
    "Solar parks, wind farms and a shared grid could cut the price of electricity by a third.",
    "Relief flights carried tents, water filters and medicines to the island after the typhoon.",
    "Reporting by the news desk",
    "The agenda was long. " * 40,
    "Cooperation in the digital economy, including data centres, submarine cables, payment systems, "
    "identity cards, artificial intelligence, quantum research and the training of engineers, should "
    "move forward step by step, with due respect for the laws of each country and the privacy of "
    "every user, the communiqué adds.",
]


def minilm(folder: Path) -> None:
    """The real model, as sentence-transformers runs it, in f32."""
    model = SentenceTransformer(str(folder), device="cpu")
    lengths = [len(ids) for ids in model.tokenizer(TEXTS)["input_ids"]]
    assert max(lengths) <= model.max_seq_length, "a text would be cut by the reference"
    vectors = model.encode(TEXTS, convert_to_tensor=True, normalize_embeddings=True)
    out = FIXTURES / "minilm"
    out.mkdir(parents=True, exist_ok=True)
    (out / "texts.json").write_text(json.dumps(TEXTS, ensure_ascii=False, indent=1) + "\n")
    save_file({"vectors": vectors.float().contiguous()}, out / "vectors.safetensors")


WORDS = "trade port rail border vaccine treaty island river energy culture of and the in to".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
VOCABULARY = (
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", ";", "’", "合"]
    + list(LETTERS)
    + [f"##{letter}" for letter in LETTERS]
    + WORDS
    + ["##s", "##ing", "##ed"]
)
MAX_TOKENS = 24

TINY_TEXTS = [
    "Trade",
    "The ports of the island, and rail to the border.",
    "Energy; vaccines; culture’s treaty.",
    "合 river 合",
    "trading in energy and trade in culture to the river " * 6,
    "ports " * 22,
    "ports " * 23,
]


def tiny_tokenizer() -> Tokenizer:
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(VOCABULARY))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


def tiny_model(vocab_size: int) -> BertModel:
    """Random weights, wide enough that every part of the arithmetic shows in the result."""
    torch.manual_seed(20260101)
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=32,
        layer_norm_eps=1e-12,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    for name, weight in model.named_parameters():
        norm = "LayerNorm.weight" in name
        torch.nn.init.normal_(weight, mean=1.0 if norm else 0.0, std=0.2 if norm else 0.3)
    return model


def windows(ids: list[int]) -> list[list[int]]:
    """The fewest windows that fit, equal to within a token."""
    room = MAX_TOKENS - 2
    n = -(-len(ids) // room)
    cuts = [part * len(ids) // n for part in range(n + 1)]
    return [[2, *ids[a:b], 3] for a, b in zip(cuts, cuts[1:])]


@torch.inference_mode()
def tiny_vector(model: BertModel, ids: list[int], mode: str) -> torch.Tensor:
    total = torch.zeros(32, dtype=torch.float64)
    for window in windows(ids):
        tokens = model(input_ids=torch.tensor([window])).last_hidden_state[0].double()
        pooled = {"mean": tokens.mean(0), "cls": tokens[0], "max": tokens.max(0).values}[mode]
        total += pooled * len(window)
    return (total / total.norm()).float()


def tiny() -> None:
    out = FIXTURES / "tiny-bert"
    (out / "1_Pooling").mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer()
    model = tiny_model(tokenizer.get_vocab_size())
    tokenizer.save(str(out / "tokenizer.json"))
    save_file({n: w.contiguous() for n, w in model.state_dict().items()}, out / "model.safetensors")
    kept = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"]
    kept += ["intermediate_size", "max_position_embeddings", "layer_norm_eps", "hidden_act"]
    kept += ["type_vocab_size", "model_type"]
    config = {key: getattr(model.config, key) for key in kept}
    module = "sentence_transformers.models."
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    for file, content in {
        "config.json": config,
        "sentence_bert_config.json": {"max_seq_length": MAX_TOKENS},
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": module + kind}
            for i, (path, kind) in enumerate(parts)
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": 32,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
        },
        "texts.json": TINY_TEXTS,
    }.items():
        (out / file).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in TINY_TEXTS]
    expected = {
        mode: torch.stack([tiny_vector(model, row, mode) for row in ids])
        for mode in ("mean", "cls", "max")
    }
    save_file(expected, out / "expected.safetensors")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--minilm", type=Path, help="folder of the real model; tiny only without")
    folder = arguments.parse_args().minilm
    tiny()
    if folder:
        minilm(folder)
