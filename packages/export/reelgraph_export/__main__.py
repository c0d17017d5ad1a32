"""python -m reelgraph_export PIPELINE_FOLDER OUT --dtype fp16"""

import argparse
import sys
from pathlib import Path

from .errors import ExportError
from .options import DTYPES, Options
from .package import export_package
from .write import EXTERNAL_ABOVE


def lora(text):
    path, _, strength = text.partition("=")
    return Path(path), float(strength or 1)


def main():
    parser = argparse.ArgumentParser(prog="reelgraph_export", description="Turns a pipeline folder of diffusers into a package of ONNX graphs.")
    parser.add_argument("pipeline", type=Path, help="folder with model_index.json")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument("--dtype", choices=DTYPES, default="fp16", help="weights of the transformer: fp16 for GPUs, int8 for CPUs (default: fp16)")
    parser.add_argument("--text-encoder", choices=DTYPES, help="weights of the text encoders, if not like the transformer")
    parser.add_argument("--split", action="store_true", help="the transformer as head, body and tail, for first-block caching")
    parser.add_argument("--vae", choices=("whole", "stream", "both"), default="both", help="Wan: graphs of the VAE for whole clips, for clips piece by piece, or both")
    parser.add_argument("--lora", type=lora, action="append", default=[], metavar="PATH[=STRENGTH]", help="add a LoRA to the weights; may be repeated")
    parser.add_argument("--reuse", type=Path, action="append", default=[], metavar="PACKAGE", help="take over graphs of an earlier package that would come out the same; may be repeated")
    parser.add_argument("--max-text", type=int, help="tokens of a prompt, if not as the pipeline has it")
    parser.add_argument("--external-above", type=int, default=EXTERNAL_ABOVE, metavar="BYTES", help="weights of more bytes lie beside their graph")
    args = parser.parse_args()
    options = Options(dtype=args.dtype, text=args.text_encoder, split=args.split, vae=args.vae, loras=tuple(args.lora), max_text=args.max_text,
                      reuse=tuple(args.reuse), external_above=args.external_above)
    try:
        report = export_package(args.pipeline, args.out, options)
    except ExportError as error:
        print(f"reelgraph_export: {error}", file=sys.stderr)
        return 2
    worst = max(report["graphs"].items(), key=lambda item: item[1]["relative_rms_error"])
    print(f"{args.out}: {len(report['graphs'])} graphs; the largest relative difference to torch is {worst[1]['relative_rms_error']:.1e} ({worst[0]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
