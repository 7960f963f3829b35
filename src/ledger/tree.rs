//! The Merkle tree of a log: RFC 6962 hashing, full tiles of 256 hashes (C2SP tlog-tiles), inclusion proofs.
//!
//! In memory there is the frontier (roots of the perfect subtrees, largest first) and, for each tile level, the hashes of
//! the tile that is not full yet. Both are rebuilt from what is stored; the stored frontier must then be equal.

use aws_lc_rs::digest::{Context, SHA256};

use crate::store::{StoreDown, Stored};

/// A SHA-256 hash in the tree.
pub type Hash = [u8; 32];

/// Hashes in a full tile.
const WIDTH: usize = 256;

/// A tile that became full: level, number, hashes.
pub type Tile = (u8, u64, Vec<u8>);

fn digest(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The hash of an entry (RFC 6962, section 2.1).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    digest(&[&[0], leaf])
}

/// The hash of two subtrees (RFC 6962, section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    digest(&[&[1], left, right])
}

/// The root over hashes whose number is a power of two.
fn perfect_root(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [one] => Some(*one),
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            Some(node_hash(&perfect_root(left)?, &perfect_root(right)?))
        }
    }
}

/// The tree of one log.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    size: u64,
    frontier: Vec<Hash>,
    partial: Vec<Vec<Hash>>,
}

impl Tree {
    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash; tiles that became full are put into `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        self.keep(0, leaf);
        let (mut node, mut height, mut rest) = (leaf, 0_u32, self.size);
        while rest & 1 == 1 {
            let Some(left) = self.frontier.pop() else { break };
            node = node_hash(&left, &node);
            height += 1;
            rest >>= 1;
            if height.is_multiple_of(8) {
                let level = height as usize / 8;
                let hashes = self.partial.get_mut(level - 1).map(std::mem::take).unwrap_or_default();
                full.push(((level - 1) as u8, self.size >> height, hashes.concat()));
                self.keep(level, node);
            }
        }
        self.frontier.push(node);
        self.size += 1;
    }

    fn keep(&mut self, level: usize, hash: Hash) {
        if self.partial.len() <= level {
            self.partial.resize(level + 1, Vec::new());
        }
        if let Some(hashes) = self.partial.get_mut(level) {
            hashes.push(hash);
        }
    }

    /// The root over all entries.
    pub fn root(&self) -> Hash {
        let from_right = |right: Option<Hash>, left: &Hash| Some(right.map_or(*left, |right| node_hash(left, &right)));
        self.frontier.iter().rev().fold(None, from_right).unwrap_or_else(|| digest(&[]))
    }

    /// The frontier as it is stored.
    pub fn frontier(&self) -> Vec<u8> {
        self.frontier.concat()
    }

    /// The tree of a log with `size` entries, from its stored tiles and leaf hashes.
    pub fn resume(stored: &dyn Stored, number: i64, size: u64) -> Result<Self, StoreDown> {
        let mut tree = Self { size, ..Self::default() };
        let mut level = 0_u8;
        while level < 5 && (level == 0 || size >> (8 * level) > 0) {
            let tile = size >> (8 * (level + 1));
            tree.partial.push(tile_hashes(stored, number, size, level, tile)?);
            level += 1;
        }
        // Each level's hashes stand for perfect subtrees by the binary digits of their number, largest first.
        for hashes in tree.partial.iter().rev() {
            let mut rest: &[Hash] = hashes;
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                tree.frontier.extend(perfect_root(subtree));
                rest = after;
            }
        }
        Ok(tree)
    }
}

/// The hashes of a tile in a tree of `size` entries; fewer than 256 where the tile is the last of its level.
fn tile_hashes(stored: &dyn Stored, number: i64, size: u64, level: u8, n: u64) -> Result<Vec<Hash>, StoreDown> {
    let first = n * WIDTH as u64;
    let width = (size >> (8 * level)).saturating_sub(first).min(WIDTH as u64);
    let hashes = if width == WIDTH as u64 {
        unpack(&stored.tile(number, level, n)?)
    } else if width == 0 {
        Vec::new()
    } else if level == 0 {
        let mut hashes = stored.hashes(number, first)?;
        hashes.truncate(width as usize);
        hashes
    } else {
        let root = |i| Ok(perfect_root(&unpack(&stored.tile(number, level - 1, i)?)).unwrap_or_default());
        (first..first + width).map(root).collect::<Result<_, StoreDown>>()?
    };
    if hashes.len() as u64 == width {
        return Ok(hashes);
    }
    Err(StoreDown(format!("tile {level}/{n} of log {number} has {} hashes, not {width}", hashes.len())))
}

fn unpack(tile: &[u8]) -> Vec<Hash> {
    tile.as_chunks::<32>().0.to_vec()
}

/// The inclusion proof of entry `index` in the tree of `size` entries (RFC 6962, section 2.1.1), from the leaf up.
pub fn inclusion_proof(stored: &dyn Stored, number: i64, index: u64, size: u64) -> Result<Vec<Hash>, StoreDown> {
    if index >= size {
        return Err(StoreDown(format!("index {index} is not in a tree of {size} entries")));
    }
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(subtree(stored, number, size, middle, high)?);
            high = middle;
        } else {
            proof.push(subtree(stored, number, size, low, middle)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two below `n`, for `n` of at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The root over the entries from `low` to `high` (exclusive) of a tree of `size` entries.
fn subtree(stored: &dyn Stored, number: i64, size: u64, low: u64, high: u64) -> Result<Hash, StoreDown> {
    let count = high - low;
    if !count.is_power_of_two() {
        let middle = low + split(count);
        let left = subtree(stored, number, size, low, middle)?;
        return Ok(node_hash(&left, &subtree(stored, number, size, middle, high)?));
    }
    let height = count.ilog2();
    let level = (height / 8) as u8;
    let first = low >> (8 * level);
    let hashes = tile_hashes(stored, number, size, level, first / WIDTH as u64)?;
    let from = (first % WIDTH as u64) as usize;
    hashes
        .get(from..from + (1 << (height % 8)))
        .and_then(perfect_root)
        .ok_or_else(|| StoreDown(format!("entries {low} to {high} of log {number} are not all stored")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Head;

    #[derive(Default)]
    struct Shelf {
        leaves: Vec<Hash>,
        tiles: Vec<Tile>,
    }

    impl Stored for Shelf {
        fn heads(&self) -> Result<Vec<Head>, StoreDown> {
            Ok(Vec::new())
        }
        fn hashes(&self, _: i64, from: u64) -> Result<Vec<Hash>, StoreDown> {
            Ok(self.leaves.iter().skip(from as usize).take(256).copied().collect())
        }
        fn tile(&self, _: i64, level: u8, n: u64) -> Result<Vec<u8>, StoreDown> {
            let found = self.tiles.iter().find(|tile| tile.0 == level && tile.1 == n);
            found.map(|tile| tile.2.clone()).ok_or_else(|| StoreDown(format!("no tile {level}/{n}")))
        }
    }

    fn independent_root(leaves: &[Vec<u8>]) -> tlog_tiles::Hash {
        struct Reader<'a>(&'a [tlog_tiles::Hash]);
        impl tlog_tiles::HashReader for Reader<'_> {
            fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
                Ok(indexes.iter().map(|i| self.0[*i as usize]).collect())
            }
        }
        let mut hashes = Vec::new();
        for (n, leaf) in leaves.iter().enumerate() {
            let more = tlog_tiles::stored_hashes(n as u64, leaf, &Reader(&hashes)).unwrap();
            hashes.extend(more);
        }
        tlog_tiles::tree_hash(leaves.len() as u64, &Reader(&hashes)).unwrap()
    }

    #[test]
    fn roots_and_proofs_are_those_of_an_independent_crate() {
        let (mut tree, mut shelf) = (Tree::default(), Shelf::default());
        let leaves: Vec<Vec<u8>> = (0..66_000_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let sizes = [0, 1, 2, 3, 7, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 66_000];
        for size in sizes {
            while (tree.size() as usize) < size {
                let leaf = leaf_hash(&leaves[tree.size() as usize]);
                shelf.leaves.push(leaf);
                tree.push(leaf, &mut shelf.tiles);
            }
            assert_eq!(tree.root(), independent_root(&leaves[..size]).0, "{size}");
            let resumed = Tree::resume(&shelf, 1, size as u64).unwrap();
            assert_eq!(resumed.frontier(), tree.frontier(), "{size}");
            // An empty tree has no level yet.
            assert_eq!(resumed.partial.concat(), tree.partial.concat(), "{size}");
            for index in [0, 1, 255, 256, 300, 65_535, size.saturating_sub(1)].into_iter().filter(|i| *i < size) {
                let proof = inclusion_proof(&shelf, 1, index as u64, size as u64).unwrap();
                let proof: Vec<_> = proof.into_iter().map(tlog_tiles::Hash).collect();
                let (root, leaf) = (tlog_tiles::Hash(tree.root()), tlog_tiles::record_hash(&leaves[index]));
                tlog_tiles::check_record(&proof, size as u64, root, index as u64, leaf).unwrap();
            }
        }
        assert!(shelf.tiles.iter().any(|tile| tile.0 == 1), "a tile of the second level was filled");
        assert!(inclusion_proof(&shelf, 1, 5, 5).is_err());
    }
}
