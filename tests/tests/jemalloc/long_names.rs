//! Generic types, whose names can be longer than a page.

use std::marker::PhantomData;

use crate::population::enough;
use crate::shop;

/// Nests like the combinators of a parser or a stream.
struct Node<T>(u64, PhantomData<fn() -> T>);

type Two<T> = Node<(T, T)>;
type Four<T> = Two<Two<T>>;
type Sixteen<T> = Four<Four<T>>;
type TwoHundredFiftySix<T> = Sixteen<Sixteen<T>>;
type Long = Four<TwoHundredFiftySix<u8>>;

#[tokio::test]
async fn a_very_long_name_is_truncated_in_text_and_complete_in_json() {
    let population: Vec<Long> =
        (0..enough::<Long>()).map(|number| Node(number as u64, PhantomData)).collect();
    let types = shop::get("/debug/memory/types?format=json&top=1000").await;
    let report = types.report();
    let rows = &report.types.as_ref().unwrap().rows;
    let row = rows.iter().find(|row| row.type_name.starts_with("Vec<Node<(Node<(")).unwrap();
    assert!(row.type_name.len() > 10_000 && row.full_type.len() > 30_000, "{}", row.full_type.len());
    assert!(row.bytes as usize > 8 * population.len() / 2, "{}", row.bytes);
    for page in
        ["/types?top=1000", "", "/types?group=traceback&depth=32&top=1000", "/heap?format=text", "/doctor"]
    {
        let page = shop::get(&format!("/debug/memory{page}")).await;
        let longest = page.text().lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(4_000), "{longest:?}");
    }
    let page = shop::get("/debug/memory/types?top=1000").await;
    let line = page.text().lines().find(|line| line.trim_start().starts_with("Vec<Node<(")).unwrap();
    assert!(line.contains("…") && line.chars().count() < 250, "{line}");
    assert_eq!(population.last().unwrap().0, population.len() as u64 - 1);
}
