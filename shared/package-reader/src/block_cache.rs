//! Random access to a far file (an object in storage) that pays for as few bytes as possible.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of one block: small enough that the few places looked at in a big archive cost little.
const BLOCK: u64 = 64 * 1024;
/// Bytes asked for at once, at most.
const RUN: u64 = 1024 * 1024;
/// Blocks kept: 4 MiB.
const KEPT: usize = 64;

/// `Read + Seek` over a function that fetches ranges, with a budget.
///
/// Blocks of 64 KiB are kept (4 MiB at most, the least recently used goes first) and neighbouring
/// missing blocks are fetched together, so one big read is one request. A read that would take more
/// than the budget fails with [`io::ErrorKind::FileTooLarge`] before anything of it is fetched;
/// what was fetched before stays readable.
#[derive(Debug)]
pub struct BlockCache<F> {
    fetch: F,
    length: u64,
    position: u64,
    budget: u64,
    fetched: u64,
    requests: u32,
    clock: u64,
    blocks: BTreeMap<u64, Block>,
}

#[derive(Debug)]
struct Block {
    used: u64,
    bytes: Vec<u8>,
}

impl<F> BlockCache<F>
where
    F: FnMut(u64, u64) -> io::Result<Vec<u8>>,
{
    /// A cache over a file of `length` bytes. `fetch(offset, len)` gives back exactly `len` bytes
    /// from `offset` on (never asked beyond `length`); `budget` is the most that is asked for in
    /// total, in bytes.
    pub fn new(fetch: F, length: u64, budget: u64) -> BlockCache<F> {
        BlockCache {
            fetch,
            length,
            position: 0,
            budget,
            fetched: 0,
            requests: 0,
            clock: 0,
            blocks: BTreeMap::new(),
        }
    }

    /// Bytes asked for until now.
    pub fn fetched(&self) -> u64 {
        self.fetched
    }

    /// Requests made until now.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    fn block_length(&self, index: u64) -> u64 {
        BLOCK.min(self.length.saturating_sub(index * BLOCK))
    }

    /// Makes the block of `index` present, together with the missing ones after it up to `last`.
    fn load(&mut self, index: u64, last: u64) -> io::Result<()> {
        if self.blocks.contains_key(&index) {
            return Ok(());
        }
        // What the whole read lacks decides, so that a hopeless read costs nothing.
        let lacking: u64 = (index..=last)
            .filter(|i| !self.blocks.contains_key(i))
            .map(|i| self.block_length(i))
            .sum();
        if lacking > self.budget.saturating_sub(self.fetched) {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the budget of bytes to fetch is spent",
            ));
        }
        let mut end = index;
        while end < last && (end + 1 - index) * BLOCK < RUN && !self.blocks.contains_key(&(end + 1))
        {
            end += 1;
        }
        let start = index * BLOCK;
        let length = (end * BLOCK + self.block_length(end)) - start;
        self.requests += 1;
        self.fetched += length;
        let bytes = (self.fetch)(start, length)?;
        if bytes.len() as u64 != length {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("asked for {length} bytes at {start}, got {}", bytes.len()),
            ));
        }
        for (i, bytes) in (index..=end).zip(bytes.chunks(BLOCK as usize)) {
            self.clock += 1;
            self.blocks.insert(
                i,
                Block {
                    used: self.clock,
                    bytes: bytes.to_vec(),
                },
            );
        }
        while self.blocks.len() > KEPT {
            let oldest = self
                .blocks
                .iter()
                .filter(|(i, _)| **i != index)
                .min_by_key(|(_, b)| b.used)
                .map(|(i, _)| *i);
            match oldest {
                Some(oldest) => self.blocks.remove(&oldest),
                None => break,
            };
        }
        Ok(())
    }
}

impl<F> Read for BlockCache<F>
where
    F: FnMut(u64, u64) -> io::Result<Vec<u8>>,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = (buffer.len() as u64).min(self.length.saturating_sub(self.position));
        if wanted == 0 {
            return Ok(0);
        }
        let index = self.position / BLOCK;
        self.load(index, (self.position + wanted - 1) / BLOCK)?;
        self.clock += 1;
        let clock = self.clock;
        let Some(block) = self.blocks.get_mut(&index) else {
            return Err(io::Error::other("a block that was just fetched is gone"));
        };
        block.used = clock;
        let within = (self.position % BLOCK) as usize;
        let count = (block.bytes.len() - within).min(wanted as usize);
        buffer[..count].copy_from_slice(&block.bytes[within..within + count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<F> Seek for BlockCache<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "sought to before the start")
        })?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(length: u64) -> Vec<u8> {
        (0..length).map(|i| ((i * 31) >> 3) as u8).collect()
    }

    fn over(
        data: &[u8],
        budget: u64,
    ) -> BlockCache<impl FnMut(u64, u64) -> io::Result<Vec<u8>> + '_> {
        BlockCache::new(
            move |offset, length| Ok(data[offset as usize..(offset + length) as usize].to_vec()),
            data.len() as u64,
            budget,
        )
    }

    #[test]
    fn reads_the_same_as_the_file() {
        let data = file(5 * BLOCK + 123);
        let mut cache = over(&data, u64::MAX);
        for (start, length) in [
            (0, 10),
            (BLOCK - 3, 7),
            (3 * BLOCK, 2 * BLOCK + 123),
            (5 * BLOCK + 120, 3),
        ] {
            let mut out = vec![0; length as usize];
            cache.seek(SeekFrom::Start(start)).unwrap();
            cache.read_exact(&mut out).unwrap();
            assert_eq!(out, data[start as usize..(start + length) as usize]);
        }
        assert_eq!(
            cache.requests(),
            3,
            "blocks that are there are not fetched again"
        );
        let mut one = [0];
        cache.seek(SeekFrom::End(0)).unwrap();
        assert_eq!(cache.read(&mut one).unwrap(), 0);
    }

    #[test]
    fn a_read_beyond_the_budget_costs_nothing() {
        let data = file(40 * BLOCK);
        let mut cache = over(&data, 2 * BLOCK);
        let mut out = vec![0; 10 * BLOCK as usize];
        assert_eq!(
            cache.read_exact(&mut out).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert_eq!(cache.fetched(), 0);
        cache.read_exact(&mut out[..100]).unwrap();
        assert_eq!(cache.fetched(), BLOCK);
    }

    #[test]
    fn memory_is_bounded() {
        let data = file(200 * BLOCK);
        let mut cache = over(&data, u64::MAX);
        let mut out = Vec::new();
        cache.read_to_end(&mut out).unwrap();
        assert!(out == data && cache.blocks.len() <= KEPT);
    }
}
