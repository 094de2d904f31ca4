//! A cache of documents with a limit of bytes, which evicts the least recently used document first.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

/// Documents by id, with at most `max_bytes` in total.
#[derive(Debug)]
pub(crate) struct Cache {
    max_bytes: usize,
    bytes: usize,
    /// The number of uses so far. It serves as the time of the latest use.
    uses: u64,
    documents: HashMap<u32, Document>,
    by_last_use: BTreeMap<u64, u32>,
}

#[derive(Debug)]
struct Document {
    body: Bytes,
    last_use: u64,
}

impl Cache {
    /// Makes an empty cache.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: 0, uses: 0, documents: HashMap::new(), by_last_use: BTreeMap::new() }
    }

    /// Returns the document `id`, which counts as a use.
    pub(crate) fn get(&mut self, id: u32) -> Option<Bytes> {
        let document = self.documents.get_mut(&id)?;
        self.uses += 1;
        self.by_last_use.remove(&document.last_use);
        self.by_last_use.insert(self.uses, id);
        document.last_use = self.uses;
        Some(document.body.clone())
    }

    /// Stores `body` under `id`, replaces an earlier document, and evicts others until it fits. A document
    /// larger than the whole cache is not stored.
    pub(crate) fn insert(&mut self, id: u32, body: Bytes) {
        self.remove(id);
        if body.len() > self.max_bytes {
            return;
        }
        while self.bytes + body.len() > self.max_bytes
            && let Some((_, oldest)) = self.by_last_use.first_key_value()
        {
            self.remove(*oldest);
        }
        self.uses += 1;
        self.bytes += body.len();
        self.by_last_use.insert(self.uses, id);
        self.documents.insert(id, Document { body, last_use: self.uses });
    }

    fn remove(&mut self, id: u32) {
        if let Some(document) = self.documents.remove(&id) {
            self.by_last_use.remove(&document.last_use);
            self.bytes -= document.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(bytes: usize) -> Bytes {
        Bytes::from(vec![b'x'; bytes])
    }

    fn kept(cache: &Cache) -> Vec<u32> {
        let mut ids: Vec<u32> = cache.documents.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn evicts_the_least_recently_used_document() {
        let mut cache = Cache::new(300);
        for id in 1..=3 {
            cache.insert(id, document(100));
        }
        assert!(cache.get(1).is_some());
        cache.insert(4, document(100));
        assert_eq!(kept(&cache), [1, 3, 4]);
    }

    #[test]
    fn evicts_as_many_documents_as_necessary() {
        let mut cache = Cache::new(300);
        for id in 1..=3 {
            cache.insert(id, document(100));
        }
        cache.insert(4, document(201));
        assert_eq!((kept(&cache), cache.bytes), (vec![4], 201));
    }

    #[test]
    fn replacing_a_document_counts_its_bytes_once() {
        let mut cache = Cache::new(300);
        cache.insert(1, document(100));
        cache.insert(1, document(250));
        assert_eq!((kept(&cache), cache.bytes, cache.by_last_use.len()), (vec![1], 250, 1));
    }

    #[test]
    fn a_document_larger_than_the_cache_evicts_nothing_else() {
        let mut cache = Cache::new(300);
        cache.insert(1, document(100));
        cache.insert(2, document(301));
        assert_eq!(kept(&cache), [1]);
    }
}
