//! Attribution: bytes appear under the types of the containers that hold them.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use crate::population::{assert_estimates, enough, measured, payload, usable};
use crate::shop;

payload! { Apple: 8, Banana: 14, Cherry: 5, Damson: 4, Elder: 6, Fig: 32, Grape: 10, Hazel: 7, Kiwi: 3, Lemon: 9, Mango: 11,
Nutmeg: 20, Olive: 12 }

#[tokio::test]
async fn vectors_are_shown_with_their_elements() {
    let grow = || {
        let mut apples = Vec::new();
        (0..enough::<Apple>()).for_each(|number| apples.push(Apple::new(number)));
        apples
    };
    let (apples, apple_bytes) = measured(grow);
    let mut baskets: Vec<Vec<Hazel>> = Vec::with_capacity(enough::<[Hazel; 10]>());
    let fill = || (0..baskets.capacity()).for_each(|number| baskets.push(vec![Hazel::new(number); 10]));
    let ((), hazel_bytes) = measured(fill);
    let mut boxes: Vec<Box<[Kiwi]>> = Vec::with_capacity(enough::<[Kiwi; 20]>());
    let fill = || (0..boxes.capacity()).for_each(|_| boxes.push((0..20).map(Kiwi::new).collect()));
    let ((), kiwi_bytes) = measured(fill);

    let report = shop::types().await;
    assert_estimates(&report, "Vec<Apple>", usable(apple_bytes), Some(1));
    assert_estimates(&report, "Vec<Hazel>", hazel_bytes, Some(baskets.len() as u64));
    let outer = baskets.capacity() * size_of::<Vec<Hazel>>();
    assert_estimates(&report, "Vec<Vec<Hazel>>", usable(outer as u64), Some(1));
    assert_estimates(&report, "Box<[Kiwi]>", kiwi_bytes, Some(boxes.len() as u64));
    drop((apples, baskets, boxes));
}

#[tokio::test]
async fn hash_tables_are_shown_with_key_and_value() {
    let grow = || {
        let mut bananas = HashMap::new();
        (0..enough::<Banana>()).for_each(|number| {
            bananas.insert(number, Banana::new(number));
        });
        bananas
    };
    let (by_number, by_number_bytes) = measured(grow);
    let mut by_name: HashMap<String, Banana> = HashMap::with_capacity(enough::<Banana>());
    for number in 0..by_name.capacity() / 2 {
        by_name.insert(number.to_string(), Banana::new(number));
    }

    let report = shop::types().await;
    assert_estimates(&report, "HashMap<usize, Banana>", usable(by_number_bytes), Some(1));
    // A table has a power of two of buckets and fills seven eighths of them. Each bucket has a control byte,
    // and a group of sixteen follows the last one.
    let buckets = (by_name.capacity() * 8 / 7).next_power_of_two();
    let table = buckets * (size_of::<(String, Banana)>() + 1) + 16;
    assert_estimates(&report, "HashMap<String, Banana>", usable(table as u64), Some(1));
    drop((by_number, by_name));
}

#[tokio::test]
async fn hash_sets_are_shown_as_sets() {
    let (damsons, bytes) = measured(|| (0..enough::<Damson>()).map(Damson::new).collect::<HashSet<_>>());
    assert_estimates(&shop::types().await, "HashSet<Damson>", usable(bytes), Some(1));
    drop(damsons);
}

#[tokio::test]
async fn trees_and_queues_are_shown_with_their_elements() {
    let cherries = || {
        let mut cherries = BTreeMap::new();
        (0..enough::<Cherry>()).for_each(|number| {
            cherries.insert(number, Cherry::new(number));
        });
        cherries
    };
    let (cherries, cherry_bytes) = measured(cherries);
    let (olives, olive_bytes) = measured(|| (0..enough::<Olive>()).map(Olive::new).collect::<BTreeSet<_>>());
    let queue = || {
        let mut elders = VecDeque::new();
        (0..enough::<Elder>()).for_each(|number| elders.push_back(Elder::new(number)));
        elders
    };
    let (elders, elder_bytes) = measured(queue);
    let lemons = || {
        let mut lemons = BinaryHeap::new();
        (0..enough::<Lemon>()).for_each(|number| lemons.push(Lemon::new(number)));
        lemons
    };
    let (lemons, lemon_bytes) = measured(lemons);

    let report = shop::types().await;
    assert_estimates(&report, "BTreeMap<usize, Cherry>", cherry_bytes, None);
    assert_estimates(&report, "BTreeSet<Olive>", olive_bytes, None);
    assert_estimates(&report, "VecDeque<Elder>", usable(elder_bytes), Some(1));
    assert_estimates(&report, "BinaryHeap<Lemon>", usable(lemon_bytes), Some(1));
    drop((cherries, olives, elders, lemons));
}

#[tokio::test]
async fn linked_lists_are_shown_with_their_elements() {
    let (mangos, bytes) = measured(|| (0..enough::<Mango>()).map(Mango::new).collect::<LinkedList<_>>());
    assert_estimates(&shop::types().await, "LinkedList<Mango>", bytes, Some(mangos.len() as u64));
    drop(mangos);
}

#[tokio::test]
async fn boxes_and_shared_values_are_shown_with_their_content() {
    let mut figs = Vec::with_capacity(enough::<Fig>());
    let ((), fig_bytes) =
        measured(|| (0..enough::<Fig>()).for_each(|number| figs.push(Box::new(Fig::new(number)))));
    let mut grapes = Vec::with_capacity(enough::<Grape>());
    let ((), grape_bytes) =
        measured(|| (0..enough::<Grape>()).for_each(|number| grapes.push(Arc::new(Grape::new(number)))));
    let mut nutmegs = Vec::with_capacity(enough::<Nutmeg>());
    let ((), nutmeg_bytes) =
        measured(|| (0..enough::<Nutmeg>()).for_each(|number| nutmegs.push(Rc::new(Nutmeg::new(number)))));

    let report = shop::types().await;
    assert_estimates(&report, "Box<Fig>", fig_bytes, Some(figs.len() as u64));
    assert_estimates(&report, "Arc<Grape>", grape_bytes, Some(grapes.len() as u64));
    assert_estimates(&report, "Rc<Nutmeg>", nutmeg_bytes, Some(nutmegs.len() as u64));
    drop((figs, grapes, nutmegs));
}

/// Code compiled in the dependency's own crate has paths relative to the dependency's folder. Generic code that the
/// service instantiates does not.
#[tokio::test]
async fn buffers_of_a_dependency_are_shown_under_its_types() {
    let text = vec![7; 1 << 10];
    let (buffers, bytes) = measured(|| {
        let mut buffers = Vec::with_capacity(8 << 10);
        (0..8 << 10).for_each(|_| buffers.push(bytes::Bytes::copy_from_slice(&text)));
        buffers
    });
    let report = shop::types().await;
    let row = crate::population::row(&report, "Bytes").expect("a row for the buffers");
    assert!(row.bytes as f64 + 5.0 * row.bytes_stderr > bytes as f64 * 0.9, "{row:?}");
    drop(buffers);
}
