"""themeline beside its peers: the same text, the same machine, taking turns.

Called by ./run, which says how. Three questions:

1. whole sentences -> vectors: sentence-transformers (the reference for cosines), ONNX Runtime at 8 bits,
   OpenVINO at bf16, rten and themeline at 8 bits and at f32; and for tables of token vectors model2vec beside `static`;
2. what scoring reads, every unit with its sentence as context: peers read units and sentences one by one,
   themeline a unit in its sentence;
3. the whole job: BERTopic's default recipe with topics over time, beside `themeline run`.

Each engine reads all the text in each round, in turns; a ratio is taken within a round, and stands with the
least and the greatest of all rounds.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benches"))
from measured import measured  # noqa: E402

CACHE = ROOT / "target" / "peers" / "models"
THREADS = len(os.sched_getaffinity(0))
BATCH = 32
os.environ["TOKENIZERS_PARALLELISM"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"


def themeline(*args):
    binary = ROOT / "target" / "release" / "themeline"
    return [str(binary), *map(str, args)]


# ---- the text -------------------------------------------------------------------------------------

def documents(path):
    raw = open(path, "rb")
    if path.endswith(".zst"):
        import zstandard
        raw = zstandard.ZstdDecompressor().stream_reader(raw)
    return [json.loads(line) for line in io.TextIOWrapper(raw, encoding="utf-8")]


def sentences_of(corpus, folder):
    """Sentences as lists of their units, with the date of their document, as themeline divides them."""
    out = Path(folder) / "units"
    subprocess.run(themeline("run", corpus, "--out", out, "--units", "jsonl", "--quiet"), check=True,
                   stdout=subprocess.DEVNULL)
    texts = {d["id"]: (d["text"].encode(), d.get("date")) for d in documents(corpus)}
    units = (json.loads(line) for line in open(out / "units.jsonl", encoding="utf-8"))
    for (document, _), of_sentence in groupby(units, lambda u: (u["document"], u["sentence"])):
        text, date = texts[document]
        parts = [" ".join(text[u["start"]:u["end"]].decode().split()) for u in of_sentence]
        yield parts, date


# ---- engines: a name, and a call that reads all texts ------------------------------------------------

class SentenceTransformers:
    name = "sentence-transformers f32"

    def __init__(self, folder):
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(THREADS)
        self.model = SentenceTransformer(str(folder), device="cpu")

    def read(self, texts):
        return self.model.encode(texts, batch_size=BATCH, show_progress_bar=False,
                                 normalize_embeddings=True)


def batches(texts):
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    return [order[at:at + BATCH] for at in range(0, len(order), BATCH)]


class Padded:
    """Batches of like length, padded; a batch a thread, which was faster than threads within one."""

    def __init__(self, folder):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def read(self, texts):
        import numpy
        out = numpy.empty((len(texts), 384), numpy.float32)

        def one(worker_and_rows):
            worker, rows = worker_and_rows
            coded = self.tokenizer.encode_batch([texts[i] for i in rows])
            ids = numpy.array([c.ids for c in coded], numpy.int64)
            mask = numpy.array([c.attention_mask for c in coded], numpy.int64)
            hidden = self.forward(worker, ids, mask)
            weights = mask[:, :, None].astype(numpy.float32)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            out[rows] = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)

        lists = batches(texts)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, ((i % THREADS, rows) for i, rows in enumerate(lists))))
        return out


def onnx_file(folder):
    path = CACHE / "minilm.onnx"
    if not path.exists():
        import torch
        from transformers import AutoModel
        CACHE.mkdir(parents=True, exist_ok=True)
        model = AutoModel.from_pretrained(str(folder), attn_implementation="eager").eval()
        ids = torch.ones((2, 8), dtype=torch.int64)
        names = ["input_ids", "attention_mask", "token_type_ids"]

        class Hidden(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask, token_type_ids):
                return self.model(input_ids, attention_mask, token_type_ids).last_hidden_state

        axes = {name: {0: "batch", 1: "tokens"} for name in names}
        torch.onnx.export(Hidden(), (ids, ids, 0 * ids), str(path), input_names=names,
                          output_names=["hidden"], dynamic_axes={**axes, "hidden": {0: "batch", 1: "tokens"}},
                          dynamo=False, opset_version=17)
    return path


def int8_file(folder):
    path = CACHE / "minilm-int8.onnx"
    if not path.exists():
        from onnxruntime.quantization import QuantType, quantize_dynamic
        quantize_dynamic(str(onnx_file(folder)), str(path), weight_type=QuantType.QInt8, per_channel=True)
    return path


class OnnxRuntime(Padded):
    name = "ONNX Runtime int8"

    def __init__(self, folder):
        super().__init__(folder)
        import onnxruntime
        path = int8_file(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.sessions = [onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
                         for _ in range(THREADS)]

    def forward(self, worker, ids, mask):
        return self.sessions[worker].run(
            None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": 0 * ids})[0]


class OpenVino(Padded):
    name = "OpenVINO bf16"

    def __init__(self, folder):
        super().__init__(folder)
        import openvino
        model = openvino.Core().read_model(str(onnx_file(folder)))
        self.model = openvino.Core().compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": THREADS, "INFERENCE_NUM_THREADS": THREADS})
        self.requests = [self.model.create_infer_request() for _ in range(THREADS)]

    def read(self, texts):
        from queue import Queue
        self.free = Queue()
        for request in self.requests:
            self.free.put(request)
        return super().read(texts)

    def forward(self, _, ids, mask):
        request = self.free.get()
        try:
            return request.infer({0: ids, 1: mask, 2: 0 * ids})[0].copy()
        finally:
            self.free.put(request)


class Model2Vec:
    name = "model2vec"

    def __init__(self, folder):
        from model2vec import StaticModel
        path = CACHE / "model2vec"
        if not path.exists():
            from model2vec.distill import distill
            distill(model_name=str(folder), pca_dims=256).save_pretrained(str(path))
        self.model = StaticModel.from_pretrained(str(path))

    def read(self, texts):
        return self.model.encode(texts, use_multiprocessing=False)


class OnCommand:
    """A process that has the texts, and reads them again on command."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "RAYON_NUM_THREADS": str(THREADS)})

    def seconds(self):
        return self.ask("again")

    def vectors(self, path):
        import numpy
        self.ask(f"vectors {path}")
        return numpy.fromfile(path, numpy.float32)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


class Rten(OnCommand):
    """The program in ./rten: the files of ONNX Runtime, batches as there."""

    def __init__(self, file, precision, minilm, texts, folder):
        path = Path(folder) / f"{len(texts)}.jsonl"
        path.write_text("".join(json.dumps(text) + "\n" for text in texts))
        binary = ROOT / "target" / "peers" / "rten" / "release" / "rten-peer"
        super().__init__(f"rten {precision}", [binary, file(minilm), minilm / "tokenizer.json", path])


class Themeline(OnCommand):
    """The bench `rate`."""

    def __init__(self, encoder, precision, sentences_file, what):
        binary = max((ROOT / "target" / "release" / "deps").glob("rate-*[0-9a-f]"),
                     key=lambda path: path.stat().st_mtime)
        super().__init__(f"themeline {'static' if encoder == 'static' else precision}",
                         [binary, encoder, precision, sentences_file, what])


# ---- measuring ---------------------------------------------------------------------------------------

def seconds(engine, texts):
    if isinstance(engine, OnCommand):
        return engine.seconds()
    start = time.perf_counter()
    engine.read(texts)
    return time.perf_counter() - start


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def table(title, engines, texts, rounds, n_sentences):
    """Rounds in turns; each engine's ratio to each of themeline's, within a round."""
    for engine in engines:
        seconds(engine, texts)
    found = [{engine.name: seconds(engine, texts) for engine in engines} for _ in range(rounds)]
    ours = [engine.name for engine in engines if isinstance(engine, Themeline)]
    print(f"\n{title}: {n_sentences} sentences, {THREADS} threads, {rounds} rounds")
    print("| engine | sentences/s |", " | ".join(f"{name} is faster by" for name in ours), "|")
    print("| --- | --- |", " | ".join("---" for _ in ours), "|")
    for engine in engines:
        rate = statistics.median(n_sentences / r[engine.name] for r in found)
        ratios = [spread([r[engine.name] / r[name] for r in found]) for name in ours]
        print(f"| {engine.name} | {rate:.0f} |", " | ".join(ratios), "|", flush=True)


def nearness(engines, texts, folder):
    """Cosines to the first engine."""
    import numpy
    reference = numpy.asarray(engines[0].read(texts))
    print("\n| engine | mean cosine | least |\n| --- | --- | --- |")
    for engine in engines[1:]:
        if isinstance(engine, OnCommand):
            vectors = engine.vectors(Path(folder) / "vectors").reshape(reference.shape)
        else:
            vectors = engine.read(texts)
        cosines = (vectors * reference).sum(1)
        print(f"| {engine.name} | {cosines.mean():.6f} | {cosines.min():.6f} |", flush=True)


def bertopic(sentences_file, minilm):
    """The recipe of BERTopic's front page, with topics over time."""
    import torch
    from bertopic import BERTopic
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(THREADS)
    rows = [json.loads(line) for line in open(sentences_file, encoding="utf-8")]
    texts = [row["text"] for row in rows]
    model = BERTopic(embedding_model=SentenceTransformer(str(minilm), device="cpu"))
    model.fit_transform(texts)
    model.topics_over_time(texts, [row["date"] for row in rows])


def whole_job(rows, minilm, folder):
    path = Path(folder) / "sentences.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        for n, (parts, date) in enumerate(rows):
            print(json.dumps({"id": f"s{n}", "date": date, "text": " ".join(parts)}), file=out)
    jobs = {
        "BERTopic": [sys.executable, __file__, "--bertopic", str(path), str(minilm)],
        "themeline run --encoder minilm": themeline(
            "run", path, "--encoder", minilm, "--out", Path(folder) / "job", "--quiet"),
        "themeline run (static)": themeline("run", path, "--out", Path(folder) / "job", "--quiet"),
    }
    print(f"\nThe whole job: {len(rows)} sentences, each a document with its date")
    print("| | seconds | peak MB | BERTopic takes |\n| --- | --- | --- | --- |")
    theirs = None
    for name, command in jobs.items():
        # No vectors of an earlier run are taken up.
        os.environ["THEMELINE_CACHE"] = str(Path(folder) / "cache")
        took, megabytes = measured(command)
        for made in ("job", "cache"):
            shutil.rmtree(Path(folder) / made, ignore_errors=True)
        theirs = theirs or took
        print(f"| {name} | {took:.1f} | {megabytes:.0f} | {theirs / took:.1f} times as long |", flush=True)


def machine():
    lines = open("/proc/cpuinfo").read().splitlines()
    model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    flags = next(line for line in lines if line.startswith("flags")).split()
    wide = [f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16") if f in flags]
    print(f"{model}, {THREADS} threads, {' '.join(wide)}; load {os.getloadavg()[0]:.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("minilm", nargs="?")
    parser.add_argument("--sentences", type=int, default=20_000, help="a tenth of them for transformers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bertopic", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bertopic:
        return bertopic(given.corpus, given.minilm)
    minilm = Path(given.minilm) if given.minilm else Path.home() / ".cache/themeline/models/minilm"
    few, many, rounds = given.sentences // 10, given.sentences, given.rounds
    machine()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(sentences_of(given.corpus, folder))
        step = max(1, len(rows) // many)
        rows = rows[::step][:many]
        some = [parts for parts, _ in rows[:: many // few]]
        sentences_file = Path(folder) / "some.jsonl"
        sentences_file.write_text("".join(json.dumps(parts) + "\n" for parts in some))
        all_file = Path(folder) / "all.jsonl"
        all_file.write_text("".join(json.dumps(parts) + "\n" for parts, _ in rows))

        texts = [" ".join(parts) for parts in some]
        peers = [SentenceTransformers(minilm), OnnxRuntime(minilm), OpenVino(minilm)]
        ours = [Themeline(minilm, p, sentences_file, "whole") for p in ("int8", "f32")]
        rten = [Rten(int8_file, "int8", minilm, texts, folder), Rten(onnx_file, "f32", minilm, texts, folder)]
        nearness(peers + rten + ours, texts, folder)
        table("Whole sentences", peers + rten + ours, texts, rounds, len(texts))

        apart = [part for parts in some for part in parts]
        apart += [" ".join(parts) for parts in some if len(parts) > 1]
        in_parts = Themeline(minilm, "int8", sentences_file, "parts")
        rten = Rten(int8_file, "int8", minilm, apart, folder)
        table("Units in their sentences", [*peers, rten, in_parts], apart, rounds, len(some))

        texts = [" ".join(parts) for parts, _ in rows]
        static = Themeline("static", "f32", all_file, "whole")
        table("Tables of token vectors", [Model2Vec(minilm), static], texts, rounds, len(texts))
        whole_job(rows, minilm, folder)


if __name__ == "__main__":
    main()
