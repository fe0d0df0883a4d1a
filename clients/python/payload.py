"""Rows of float32 as payload bytes. Proto/permafrost.proto says what each codec is."""

import numpy

import contract

CODECS = {"f32": contract.CODEC_F32, "bf16": contract.CODEC_BF16, "int8": contract.CODEC_INT8,
          "int4": contract.CODEC_INT4}
BLOCK = 64


def row_bytes(width, codec):
    if codec in (contract.CODEC_F32, contract.CODEC_BF16):
        return width * (4 if codec == contract.CODEC_F32 else 2)
    counts = [min(BLOCK, width - start) for start in range(0, width, BLOCK)]
    return sum(2 + (count if codec == contract.CODEC_INT8 else (count + 1) // 2) for count in counts)


def payload(values, codec):
    """The values are finite."""
    values = numpy.ascontiguousarray(values, dtype="<f4")
    if codec == contract.CODEC_F32:
        return values.tobytes()
    if codec == contract.CODEC_BF16:
        return nearest_bf16(values).tobytes()
    bits = 8 if codec == contract.CODEC_INT8 else 4
    blocks = [block(values[:, start:start + BLOCK], bits) for start in range(0, values.shape[1], BLOCK)]
    return numpy.concatenate(blocks, axis=1).tobytes()


def nearest_bf16(values):
    bits = values.view("<u4")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")


def block(values, bits):
    """One block of each row: [rows, bytes]."""
    limit = (1 << bits - 1) - 1
    scales = nearest_bf16(numpy.abs(values).max(axis=1, keepdims=True) / numpy.float32(limit))
    scales = numpy.minimum(numpy.where(scales < 0x80, 0, scales), (255 - bits) << 7 | 0x7F).astype("<u2")
    divisors = (scales.astype("<u4") << 16).view("<f4")
    quotients = numpy.divide(values, divisors, out=numpy.zeros_like(values), where=divisors > 0)
    codes = numpy.clip(numpy.rint(quotients), -limit, limit).astype(numpy.int8)
    if bits == 4:
        halves = numpy.pad(codes, ((0, 0), (0, codes.shape[1] % 2))) + 8
        codes = halves[:, ::2] | halves[:, 1::2] << 4
    return numpy.concatenate([scales.view("<u1"), codes.view(numpy.uint8)], axis=1)
