//! Names of buffers of containers that were not sampled.

use super::chains::rows;
use super::heap::{Heap, PAGE};

/// Three of ten objects are sampled, so their type is known.
fn boxes(heap: &mut Heap, name: &str) -> Vec<u64> {
    (0..10).map(|at| if at < 3 { heap.sample(name, &[1, 2]) } else { heap.small(&[1, 2]) }).collect()
}

#[test]
fn a_large_buffer_begins_behind_the_start_of_its_extent() {
    let mut heap = Heap::new();
    let jobs = boxes(&mut heap, "Box<Job>");
    let repeated: Vec<u64> = (0..3000).map(|at| jobs[at % 10]).collect();
    let buffer = heap.large(&[&[0; 24][..], &repeated].concat(), 24_192);
    heap.fixed("shop::JOBS", &[3000, buffer + 192, 3000]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Job>"), ["Box<Job> ← Vec<Box<Job>> ← Static shop::JOBS"]);
}

#[test]
fn a_buffer_of_values_has_the_name_of_the_container_of_these_values() {
    let mut heap = Heap::new();
    let mut lines = Vec::new();
    for at in 0..6 {
        let line = if at < 3 { heap.sample("Vec<Line>", &[7; 4]) } else { heap.small(&[7; 4]) };
        lines.extend([4, line, 4]);
    }
    // An empty vector has no buffer, and its pointer is its alignment.
    lines.extend([0, 8, 0]);
    let buffer = heap.small(&lines);
    heap.fixed("shop::LINES", &[7, buffer, 7]);
    // Values of another size, in which a vector is a field.
    let field = heap.sample("Vec<Field>", &[7; 4]);
    let records = heap.small(&[1, 4, field, 4, 2, 0, 8, 0]);
    heap.fixed("shop::RECORDS", &[2, records, 2]);
    // The same size as values of 24 bytes, but other elements have no pointer there.
    let word = heap.sample("Vec<Word>", &[7; 4]);
    let mixed = heap.small(&[4, word, 4, 1, u64::MAX, 3, 5, 1 << 40, 7]);
    heap.fixed("shop::MIXED", &[3, mixed, 3]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Vec<Line>"), ["Vec<Line> ← Vec<Vec<Line>> ← Static shop::LINES"]);
    assert_eq!(rows(&found, "Vec<Field>"), ["Vec<Field> ← [64 bytes] ← Static shop::RECORDS"]);
    assert_eq!(rows(&found, "Vec<Word>"), ["Vec<Word> ← [80 bytes] ← Static shop::MIXED"]);
}

/// The words of a hash table: elements, then 16 + 16 control bytes. Three quarters of the elements are in use.
fn table(elements: &[[u64; 2]; 16]) -> Vec<u64> {
    let mut words: Vec<u64> = elements.iter().flatten().copied().collect();
    // The first element is the last one in memory.
    let control = |at: usize| if elements[15 - at] == [0, 0] { 0xff } else { 0x11 };
    let bytes: Vec<u8> = (0..16).chain(0..16).map(control).collect();
    words.extend(bytes.chunks(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap())));
    words
}

fn elements(pointers: &[u64]) -> [[u64; 2]; 16] {
    std::array::from_fn(
        |at| if at % 4 == 3 { [0, 0] } else { [at as u64 + 1, pointers[at % pointers.len()]] },
    )
}

#[test]
fn a_hash_table_is_named_by_its_control_bytes_and_its_values() {
    let mut heap = Heap::new();
    let leaves = boxes(&mut heap, "Box<Leaf>");
    let words = table(&elements(&leaves));
    let known = heap.small(&words);
    heap.fixed("shop::LEAVES", &[known + 256, 15, 2, 12]);
    // One sampled map tells the key.
    let other = heap.sample("HashMap<u64, Box<Leaf>>", &words);
    heap.fixed("shop::OTHERS", &[other + 256, 15, 2, 12]);
    let bodies = boxes(&mut heap, "Box<Body>");
    let unknown = heap.small(&table(&elements(&bodies)));
    heap.fixed("shop::BODIES", &[unknown + 256, 15, 2, 12]);
    // The control bytes do not agree with the length.
    let notes = boxes(&mut heap, "Box<Note>");
    let wrong = heap.small(&table(&elements(&notes)));
    heap.fixed("shop::NOTES", &[wrong + 256, 15, 6, 8]);
    // Text can be the key or the value.
    let texts = boxes(&mut heap, "Arc<str>");
    let text =
        heap.small(&table(&std::array::from_fn(|at| if at % 4 == 3 { [0, 0] } else { [texts[at % 10], 9] })));
    heap.fixed("shop::TEXTS", &[text + 256, 15, 2, 12]);
    let found = heap.holders();
    let leaf_rows = rows(&found, "Box<Leaf>");
    assert!(
        leaf_rows.iter().all(|row| row.starts_with("Box<Leaf> ← HashMap<u64, Box<Leaf>> ← ")),
        "{leaf_rows:?}"
    );
    assert_eq!(rows(&found, "Box<Body>"), ["Box<Body> ← HashMap<_, Box<Body>> ← Static shop::BODIES"]);
    assert_eq!(rows(&found, "Box<Note>"), ["Box<Note> ← [288 bytes] ← Static shop::NOTES"]);
    assert_eq!(rows(&found, "Arc<str>"), ["Arc<str> ← HashSet<Arc<str>> ← Static shop::TEXTS"]);
}

#[test]
fn a_map_of_maps_is_named_after_the_inner_maps() {
    let mut heap = Heap::new();
    let inner: Vec<u64> = (0..10)
        .map(|_| {
            let leaves = boxes(&mut heap, "Box<Leaf>");
            heap.small(&table(&elements(&leaves)))
        })
        .collect();
    // Vectors of maps: {control, mask, left, length, two words of the hasher}
    let values: Vec<u64> = inner.iter().flat_map(|map| [map + 256, 15, 2, 12, 5, 6]).collect();
    let buffer = heap.small(&values);
    heap.fixed("shop::TENANTS", &[10, buffer, 10]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "Box<Leaf>"),
        ["Box<Leaf> ← HashMap<_, Box<Leaf>> ← Vec<HashMap<_, Box<Leaf>>> ← Static shop::TENANTS"]
    );
}

#[test]
fn an_array_of_owners_without_a_header_is_a_vector_if_all_its_words_agree() {
    let mut heap = Heap::new();
    let parked = boxes(&mut heap, "Box<Parked>");
    // A sample near the end, so that most of the elements are compared.
    let elements: Vec<u64> = (0..12).map(|at| parked[9 - at % 10]).collect();
    let buffer = heap.small(&elements);
    heap.stack("parked", &[7, buffer, 9, 9]);
    let other = boxes(&mut heap, "Box<Other>");
    let mut words: Vec<u64> = (0..12).map(|at| other[9 - at % 10]).collect();
    words[4] = 5;
    let mixed = heap.small(&words);
    heap.stack("mixed", &[7, mixed, 9, 9]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Parked>"), ["Box<Parked> ← Vec<Box<Parked>> ← Stack parked"]);
    assert_eq!(rows(&found, "Box<Other>"), ["Box<Other> ← [96 bytes] ← Stack mixed"]);
    assert!(found.types[0].chains[0].links[0].bytes < PAGE);
}
