"""What it means to stream: state in, state out, one sample or one block at a time.

May import nothing of this package.
"""

from tf_wavenet.streaming.block_streamable import BlockStreamable
from tf_wavenet.streaming.conv_queue import ConvQueue
from tf_wavenet.streaming.held_past import HeldPast
from tf_wavenet.streaming.packing import pack_states, packed_size, unpack_states
from tf_wavenet.streaming.streamable import Streamable
from tf_wavenet.streaming.streaming_layer import StreamingLayer

__all__ = [
    "BlockStreamable",
    "ConvQueue",
    "HeldPast",
    "Streamable",
    "StreamingLayer",
    "pack_states",
    "packed_size",
    "unpack_states",
]
