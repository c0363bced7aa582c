"""Makes tests/fixtures/families/: a tiny random model of each kind that `--encoder FOLDER` reads, saved by
sentence-transformers, and the vectors that sentence-transformers makes with it.

Weights are kept in f16 to be small; the reference computes in f32 with the same values. A folder holds
what sentence-transformers saves (without its README) and

* `cases.json`: texts, and sentences in parts;
* `expected.safetensors`: `vectors` of the texts; `parts`, a row a part of each sentence, then a row a
  sentence of several parts; `pooling.NAME` of the texts for other ways of pooling; `excluded` where the
  prompt does not count.

Needs Python with `torch`, `transformers` and `sentence-transformers` (made with 2.15, 5.23, 6.2):

    python models/parity/make_families.py
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Normalize, Pooling, Transformer
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "families"

HIDDEN, HEADS, WIDE, LAYERS = 20, 2, 26, 2
POSITIONS = 52

TEXTS = [
    "Trade.",
    "a",
    "The ports of the island, and rail to the border.",
    "Energy; vaccines; a culture's treaty (in part).",
    "Côtes, Zürich and İzmir: éa",
    "river to the river to the river to the river to the port",
    "UPPER border of the Rail",
    "合 river 合, <mask> and [MASK]",
    "the treaty 🚢 of 1999",
    "rail <pad> port",
]
SENTENCES = [
    ["The ports of the island,", "and rail to the border."],
    ["Trade."],
    ["the river to the port", "of the island", "and energy; culture"],
    ["Energy", "(in part)", "to Zürich"],
]
# Trainers of tokenizers give another vocabulary each time, so these are made here.
WORDS = "the river to port of island and rail border energy trade culture".split()
LETTERS = sorted(set("".join([*WORDS, "TEU.,:;()'"])))
ANGLE = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SQUARE = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def around(tokenizer: Tokenizer, first: str, last: str) -> Tokenizer:
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=ids
    )
    return tokenizer


def numbered(tokens: list[str]) -> dict[str, int]:
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}


def merges() -> list[tuple[str, str]]:
    """Each word, with the mark of a space before it, joined letter by letter from its end."""
    found = []
    for word in WORDS:
        letters = ["Ġ", *word]
        for first in range(len(letters) - 2, -1, -1):
            found.append((letters[first], "".join(letters[first + 1 :])))
    return list(dict.fromkeys(found))


def byte_pairs() -> Tokenizer:
    """As of RoBERTa: bytes, joined by pairs."""
    pairs = merges()
    tokens = [*ANGLE, "Ġ", "Ã", "¼", *LETTERS, *(a + b for a, b in pairs)]
    tokenizer = Tokenizer(models.BPE(numbered(tokens), pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(ANGLE)
    ends = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ends, add_prefix_space=False)
    return tokenizer


def unigrams() -> Tokenizer:
    """As of XLM-RoBERTa: the likeliest pieces of words that begin with a mark for the space."""
    tokens = [*(f"▁{word}" for word in WORDS), "▁", "er", "and", "ü", "é", *LETTERS]
    chances = [(token, 0.0) for token in ANGLE] + [
        (token, -2.0 - index / 16) for index, token in enumerate(tokens)
    ]
    tokenizer = Tokenizer(models.Unigram(chances, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.add_special_tokens(ANGLE)
    return around(tokenizer, "<s>", "</s>")


def pieces(lowercase: bool, specials: list[str], ends: tuple[str, str], unknown: str) -> Tokenizer:
    """As of BERT (cased or not) and of MPNet."""
    inner = [f"##{letter}" for letter in LETTERS if letter.islower()]
    tokens = [*specials, *LETTERS, "ü", "é", *inner, "##nd", "##er", "##s", *WORDS]
    tokenizer = Tokenizer(models.WordPiece(numbered(tokens), unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(specials)
    return around(tokenizer, *ends)


def random(model: torch.nn.Module) -> torch.nn.Module:
    """Weights wide enough that every part of the arithmetic shows, and that f16 holds exactly."""
    torch.manual_seed(20260105)
    for name, weight in model.named_parameters():
        norm = "norm.weight" in name.lower()
        width = 1.0 if "relative" in name else 0.2 if norm else 0.3
        torch.nn.init.normal_(weight, mean=1.0 if norm else 0.0, std=width)
        weight.data = weight.data.half().float()
    return model.eval()


SIZES = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": WIDE,
    "max_position_embeddings": POSITIONS,
}


def bodies() -> dict:
    """Of each kind: tokenizer, transformer, what follows the pooling, prompts."""
    angle = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    tokenizers = {
        "roberta": byte_pairs(),
        "xlm-roberta": unigrams(),
        "bert-unigram": unigrams(),
        "mpnet": pieces(True, [*ANGLE, "[UNK]"], ("<s>", "</s>"), "[UNK]"),
        "distilbert": pieces(False, SQUARE, ("[CLS]", "[SEP]"), "[UNK]"),
    }
    size = {kind: tokenizer.get_vocab_size() for kind, tokenizer in tokenizers.items()}
    roberta = RobertaConfig(
        vocab_size=size["roberta"], type_vocab_size=1, layer_norm_eps=1e-5, **angle, **SIZES
    )
    xlm = XLMRobertaConfig(
        vocab_size=size["xlm-roberta"],
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        hidden_act="gelu_new",
        **angle,
        **SIZES,
    )
    bert = BertConfig(vocab_size=size["bert-unigram"], **SIZES)
    mpnet = MPNetConfig(vocab_size=size["mpnet"], layer_norm_eps=1e-5, **SIZES)
    distilbert = DistilBertConfig(
        vocab_size=size["distilbert"],
        dim=HIDDEN,
        n_layers=LAYERS,
        n_heads=HEADS,
        hidden_dim=WIDE,
        max_position_embeddings=POSITIONS,
    )
    dense = Dense(HIDDEN, 16, activation_function=torch.nn.Tanh())
    plain = {"add_pooling_layer": False}
    return {
        "roberta": (tokenizers["roberta"], RobertaModel(roberta, **plain), [Normalize()], {}),
        "xlm-roberta": (tokenizers["xlm-roberta"], XLMRobertaModel(xlm, **plain), [], {}),
        "bert-unigram": (
            tokenizers["bert-unigram"],
            BertModel(bert, **plain),
            [Normalize()],
            {"query": "trade: ", "passage": "port: "},
        ),
        "mpnet": (tokenizers["mpnet"], MPNetModel(mpnet, **plain), [Normalize()], {}),
        "distilbert": (tokenizers["distilbert"], DistilBertModel(distilbert), [dense], {}),
    }


def assembled(kind: str, pooling: list[str]) -> SentenceTransformer:
    tokenizer, body, after, prompts = bodies()[kind]
    random(body)
    for module in after:
        random(module)
    if kind == "distilbert":
        names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SQUARE))
    else:
        names = dict(zip(("cls", "pad", "sep", "unk", "mask"), ANGLE))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{use}_token": token for use, token in names.items()}
    )
    with tempfile.TemporaryDirectory() as folder:
        body.save_pretrained(folder)
        fast.save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=POSITIONS - 2)
    modules = [transformer, Pooling(HIDDEN, pooling_mode=pooling), *after]
    name = "query" if prompts else None
    return SentenceTransformer(
        modules=modules, prompts=prompts, default_prompt_name=name, device="cpu"
    ).eval()


@torch.inference_mode()
def of_parts(model: SentenceTransformer) -> torch.Tensor:
    """A part is pooled from its own tokens, of its sentence read whole: those that end after the part
    before, and not after it."""
    rows, whole = [], []
    prompt = model.prompts.get(model.default_prompt_name) or ""
    for parts in SENTENCES:
        text = prompt + " ".join(parts)
        asked = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
        encoded = model.tokenizer(text, return_tensors="pt", **asked)
        ends = encoded.pop("offset_mapping")[0, :, 1].tolist()
        special = encoded.pop("special_tokens_mask")[0].tolist()
        encoded.pop("token_type_ids", None)
        tokens = model[0].auto_model(**encoded).last_hidden_state[0]
        before = len(prompt)
        for part in parts:
            after = before + (before > len(prompt)) + len(part)
            own = [t for t, end in enumerate(ends) if before < end <= after and not special[t]]
            rows.append(tokens if len(parts) == 1 else tokens[own])
            before = after
        if len(parts) > 1:
            whole.append(tokens)
    return torch.cat([after_tokens(model, tokens) for tokens in rows + whole])


def after_tokens(model: SentenceTransformer, tokens: torch.Tensor) -> torch.Tensor:
    features = {
        "token_embeddings": tokens[None],
        "attention_mask": torch.ones(1, len(tokens), dtype=torch.long),
    }
    for module in list(model)[1:]:
        features = module(features)
    return torch.nn.functional.normalize(features["sentence_embedding"])


def encode(model: SentenceTransformer) -> torch.Tensor:
    lengths = [len(ids) for ids in model.tokenizer(TEXTS)["input_ids"]]
    assert max(lengths) <= POSITIONS - 2, "a text would be cut by the reference"
    return torch.cat(
        [model.encode([t], convert_to_tensor=True, normalize_embeddings=True) for t in TEXTS]
    )


def compact(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False) + "\n")


def halved(path: Path, prefix: str = "") -> None:
    """The tensors of a file in f16, which holds them exactly; BERT's own pooler is of no use."""
    kept = {name: w for name, w in load_file(path).items() if not name.startswith("pooler")}
    weights = {prefix + name: w.half().contiguous() for name, w in kept.items()}
    save_file(weights, path)


POOLINGS = {
    "xlm-roberta": ["max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", "cls+mean"],
    "distilbert": ["cls"],
}


def save(kind: str) -> None:
    out = FIXTURES / kind
    shutil.rmtree(out, ignore_errors=True)
    model = assembled(kind, "mean")
    model.save(str(out), create_model_card=False)
    halved(out / "model.safetensors", "mpnet." if kind == "mpnet" else "")
    compact(out / "tokenizer.json")
    for path in out.glob("*_Dense/model.safetensors"):
        halved(path)
    expected = {"vectors": encode(model), "parts": of_parts(model)}
    for pooling in POOLINGS.get(kind, []):
        expected[f"pooling.{pooling}"] = encode(assembled(kind, pooling.split("+")))
    if model.prompts.get("query"):
        model[1].include_prompt = False
        expected["excluded"] = encode(model)
    rows = {name: rows.float().contiguous() for name, rows in expected.items()}
    save_file(rows, out / "expected.safetensors")
    cases = {"texts": TEXTS, "sentences": SENTENCES}
    (out / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    for kind in bodies():
        save(kind)
