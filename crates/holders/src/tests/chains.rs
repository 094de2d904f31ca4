//! Who holds it: chains, roots and their names.

use super::heap::Heap;
use crate::*;

/// A row as `String ← Session ← static shop::SESSIONS`.
pub(super) fn row(held: &HeldType, chain: &HolderChain) -> String {
    let mut text = vec![held.type_name.clone()];
    for link in &chain.links {
        let name = link.type_name.clone().unwrap_or_else(|| format!("[{} bytes]", link.bytes));
        text.push(if link.repeated { format!("{name}*") } else { name });
    }
    let name = chain.root.name.as_deref().unwrap_or("?");
    text.push(format!("{:?} {name}", chain.root.kind));
    text.join(" ← ")
}

/// All rows of a type.
pub(super) fn rows(found: &Holders, type_name: &str) -> Vec<String> {
    let held = found.types.iter().find(|held| held.type_name == type_name).unwrap();
    held.chains.iter().map(|chain| row(held, chain)).collect()
}

#[test]
fn a_chain_leads_from_an_object_over_its_holders_to_a_static() {
    let mut heap = Heap::new();
    let text = heap.sample("String", &[7; 4]);
    let session = heap.sample("Arc<Session>", &[1, 1, 32, text, 32]);
    let table = heap.sample("HashMap<u64, Arc<Session>>", &[3, session]);
    heap.fixed("shop::SESSIONS", &[0, table]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "String"),
        ["String ← Arc<Session> ← HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]
    );
    assert_eq!(
        rows(&found, "HashMap<u64, Arc<Session>>"),
        ["HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]
    );
    assert!(found.types.iter().all(|held| held.unreachable.is_none() && held.unknown_bytes == 0));
}
