import hashlib

import pytest

from audit.log.tree import Tree, leaf_hash, node_hash


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


def test_known_heads_of_the_certificate_transparency_test_suite():
    """Inputs and roots of the RFC 6962 reference tests (certificate-transparency's merkle_tree_test)."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    tree = Tree()
    for size, text in enumerate(inputs, 1):
        tree.append(leaf_hash(bytes.fromhex(text)))
        if size in roots:
            assert tree.root().hex() == roots[size]


def test_every_head_is_the_one_of_the_definition():
    tree, leaves = Tree(), []
    assert tree.root() == by_definition([])
    for number in range(300):
        leaves.append(leaf_hash(str(number).encode()))
        tree.append(leaves[-1])
        assert tree.root() == by_definition(leaves)


def test_a_kept_edge_grows_on():
    tree = Tree()
    for number in range(77):
        tree.append(leaf_hash(str(number).encode()))
    again = Tree(tree.size, tree.edge)
    for grown in (tree, again):
        grown.append(leaf_hash(b"next"))
    assert again.root() == tree.root()
    with pytest.raises(ValueError, match="edge"):
        Tree(78, tree.edge[:1])


def test_tile_entries_fall_out_when_their_subtree_is_complete():
    tree, completed = Tree(), []
    leaves = [leaf_hash(str(number).encode()) for number in range(256 * 2 + 3)]
    for leaf in leaves:
        completed.append(tree.append(leaf))
    assert [index for index, hashes in enumerate(completed) if len(hashes) == 2] == [255, 511]
    assert completed[255][1] == by_definition(leaves[:256])
    assert all(hashes[0] == leaf for hashes, leaf in zip(completed, leaves, strict=True))
