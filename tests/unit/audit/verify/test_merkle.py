from audit.log.tree import Tree, leaf_hash
from audit.verify import merkle


def test_two_programs_find_the_same_heads():
    """The writer's tree and the verifier's were written apart."""
    tree, growing, leaves = Tree(), merkle.Growing(), []
    assert growing.head() == tree.root() == merkle.head([])
    for number in range(1, 600):
        leaf = merkle.leaf(str(number).encode())
        assert leaf == leaf_hash(str(number).encode())
        leaves.append(leaf)
        tree.append(leaf)
        growing.add(leaf)
        assert growing.head() == tree.root()
    assert merkle.head(leaves) == tree.root()
    assert merkle.perfect(b"".join(leaves[:256])) == merkle.head(leaves[:256])
