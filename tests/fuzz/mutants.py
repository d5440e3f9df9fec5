"""Damage the bytes of a file at random: flipped bits, cut, doubled, moved and swapped parts, extreme numbers."""

EXTREMES = [number.to_bytes(size, order) for size in (1, 2, 4, 8) for order in ("little", "big")
            for number in (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)]  # fmt: skip
"""Numbers at the ends of their types, as a file stores lengths, offsets and counts."""
TEXTS = (
    b"\n",
    b"\r\n",
    b",",
    b"=",
    b'"',
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"-1",
    b"nan",
    b"1e999",
    b"9" * 30,
    b"all",
    b"{}",
    b"[[",
    b"../",
)


def _flip(data, random):
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _cut(data, random):
    del data[random.randrange(len(data)) :]


def _delete(data, random):
    start = random.randrange(len(data))
    del data[start : start + random.choice((1, 2, 4, 16, 256))]


def _double(data, random):
    start = random.randrange(len(data))
    data[start:start] = data[start : start + random.choice((1, 4, 16, 256))]


def _overwrite(data, random):
    start, number = random.randrange(len(data)), random.choice(EXTREMES)
    data[start : start + len(number)] = number


def _insert(data, random):
    start = random.randrange(len(data))
    data[start:start] = random.choice(TEXTS)


def _fill(data, random):
    start, size = random.randrange(len(data)), random.choice((2, 8, 64, 512))
    data[start : start + size] = bytes([random.choice((0, 255, random.randrange(256)))]) * len(data[start : start + size])


def _swap(data, random):
    size = random.choice((1, 4, 32))
    one, other = (random.randrange(max(1, len(data) - size)) for _ in range(2))
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]


def _splice(data, random):
    """Continue with another place of the file."""
    start, other = random.randrange(len(data)), random.randrange(len(data))
    data[start:] = data[other:]


MUTATIONS = (_flip, _flip, _overwrite, _overwrite, _cut, _delete, _double, _insert, _fill, _swap, _splice)


def mutant(seed, random):
    """Return the bytes of a file after one to three mutations."""
    data = bytearray(seed)
    for _ in range(random.choice((1, 1, 2, 3))):
        if data:
            random.choice(MUTATIONS)(data, random)
    return bytes(data)
