"""Makes the reference that proves the encoder `reader` (tests/fixtures/reader/): what PyTorch makes of
sentences of our own with the committed weights.

    python reader_fixture.py --base FOLDER

`--base` is all-MiniLM-L6-v2; only its tokenizer is read.
"""

import argparse
import json
from pathlib import Path

from reader_model import Reader, Vocabulary, dequantised, load_file, read, save_file

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    "The two sides agreed to reopen the rail link before the harvest.",
    "Trade.",
    "They spoke of ports, border gates, power lines and a bridge; of rice, coffee and durian; and of "
    "visas for students.",
    "Both ministers praised the warm weather and the long friendship between their peoples.",
    "A coast guard hotline will be tested twice a year.",
    "The loan of 250 million dollars carries 1.5% interest over 20 years.",
    "Zürich, São Paulo, Kraków: café-lined cities that send us tourists.",
    "双方同意加强合作。",
    "Neither side may build on the reef until the line at sea is agreed.",
    "Doctors and vaccines were flown to the flooded province, and the General Assembly gave thanks.",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--model", default=ROOT / "models" / "reader")
    parser.add_argument("--out", default=ROOT / "tests" / "fixtures" / "reader")
    args = parser.parse_args()
    vocabulary = Vocabulary(args.base, Path(args.model) / "vocab.txt")
    model = dequantised(load_file(str(Path(args.model) / "model.safetensors")), Reader(vocabulary.n_tokens))
    vectors, logits = read(model, vocabulary.encode(TEXTS))
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "texts.json").write_text(json.dumps(TEXTS, ensure_ascii=False, indent=1) + "\n")
    save_file({"vectors": vectors, "logits": logits}, str(out / "expected.safetensors"))


if __name__ == "__main__":
    main()
