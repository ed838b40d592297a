"""What full fine-tuning and pre-training hold and compute: formulas over a shape, shared by the kinds that train.

Weights, gradients and AdamW's two moments are float32: 16 bytes a parameter, over as many ranks as there are. A rank
holds besides what it has fetched of its peers: two layers, the embedding and the output layer, and the gradients of the
largest of these before they are summed. What is kept for the backward pass was counted in transformers' layers and
agrees with measured peaks (tests/bench/cost_estimate.py). Floating-point operations: 6 a weight and token (2 forwards,
4 backwards), and those of attention among the tokens.
"""

from polyglot.kinds.device import Device
from polyglot.kinds.shape import Shape

GAPS = 0.1  # between what is kept, where freed blocks stay with the process: measured beyond what was counted
LOGITS_AT_ONCE = 2**27  # numbers that a training holds before it goes on with the next part
LEAST_TARGETS_AT_ONCE = 256
_UPDATE_BYTES = 32  # a parameter and step, that the optimiser and the clipping read and write


def targets_at_once(vocabulary: int) -> int:
    """Targets whose logits are held at the same time, where a profile does not say."""
    return max(LEAST_TARGETS_AT_ONCE, LOGITS_AT_ONCE // vocabulary)


def training_memory(
    shape: Shape,
    *,
    tokens: float,
    targets: float,
    half: bool,
    recompute: bool,
    gaps: float = GAPS,
    ranks: int = 1,
) -> dict[str, int]:
    """Bytes of a rank by part; `tokens` of a forward pass, `targets` of them with logits at once.

    `half`: products in bfloat16 over float32 weights, which are then held cast too. `gaps` as a share of activations.
    """
    count = shape.parameters
    kept = _kept_by_layer(shape, half=half)
    layers = kept + shape.layers * shape.hidden * 4 if recompute else kept * shape.layers
    # logits, their float32 form, log-softmax, and the gradients of the last two
    logits = shape.vocabulary * (14 if half else 12)
    held = {
        "weights": count * 4 // ranks + (2 * count if half and ranks == 1 else 0),
        "gradients": 4 * count // ranks,
        "optimiser": 8 * count // ranks,
        "activations": int(tokens * layers * (1 + gaps)),
        "logits": int(targets * logits),
    }
    if ranks > 1:
        tables = shape.head * (1 if shape.tied else 2)
        layer = (count - tables) // shape.layers
        held["fetched"] = (2 if half else 4) * (2 * layer + tables) + 12 * max(layer, shape.head)
    return held


def _kept_by_layer(shape: Shape, *, half: bool) -> int:
    """Bytes a token that a layer keeps for its backward pass.

    Float32 always: the stream and its normed form before attention and before the feed-forward layer. In the type of
    the products: both normed inputs, queries, keys and values (these by their own heads), attention's result twice, the
    residual's part; of the feed-forward layer its gate before and after the activation, the other half, their product.
    """
    width, shared = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    inner = shape.intermediate * shape.experts_at_once * (4 if shape.gated else 2)
    return 4 * 4 * shape.hidden + (2 if half else 4) * (2 * shape.hidden + 3 * width + 2 * shared + inner)


def training_seconds(
    shape: Shape, device: Device, *, steps: float, tokens: float, targets: float, length: float = 0, again: bool = False
) -> float:
    """Seconds of so many steps over `tokens` in all; `length` of a sequence, `again` with activations recomputed."""
    attention = 6 * shape.layers * shape.heads * shape.head_size * length  # a causal half of the square
    forward_and_back = 6 * shape.multiplied + attention
    operations = tokens * forward_and_back * (4 / 3 if again else 1) + targets * 6 * shape.head
    return operations / device.reached + steps * _UPDATE_BYTES * shape.parameters / device.bytes_per_second
