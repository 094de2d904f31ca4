//! Tracked types, which are counted exactly.

use memory_debug_axum::{RowSource, Tracked, TypeRow, summary};

use crate::shop;

/// The exact row of a type on the page.
async fn exact(type_name: &str) -> TypeRow {
    let rows = shop::types_with(type_name).await.types.unwrap().rows;
    rows.into_iter()
        .find(|row| row.source == RowSource::Exact && row.type_name == type_name)
        .unwrap_or_else(|| panic!("no exact row for {type_name}"))
}

#[tokio::test]
async fn instances_are_counted_when_created_and_dropped() {
    struct Ticket(#[expect(dead_code, reason = "only its size matters")] [u64; 5]);

    let mut tickets: Vec<_> = (0..1000).map(|_| Tracked::new(Ticket([0; 5]))).collect();
    let row = exact("Ticket").await;
    assert_eq!((row.objects, row.bytes, row.objects_stderr, row.bytes_stderr), (1000, 40_000, 0.0, 0.0));
    assert_eq!(row.full_type, std::any::type_name::<Ticket>());
    assert_eq!((row.created, row.dropped), (Some(1000), Some(0)));

    tickets.truncate(1);
    let row = exact("Ticket").await;
    assert_eq!((row.objects, row.bytes), (1, 40));
    assert_eq!((row.created, row.dropped), (Some(1000), Some(999)));
    tickets.clear();
    assert_eq!(exact("Ticket").await.objects, 0);
}

#[tokio::test]
async fn the_text_marks_tracked_types_as_exact() {
    struct Voucher(#[expect(dead_code, reason = "only its size matters")] [u64; 128]);

    let vouchers: Vec<_> = (0..1024).map(|_| Tracked::new(Voucher([0; 128]))).collect();
    let page = shop::get("/debug/memory/types?filter=Voucher").await;
    let line = page.text().lines().find(|line| line.trim_start().starts_with("Voucher |")).unwrap();
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    // Exact counts know no ages.
    assert_eq!(cells, ["Voucher", "1,024", "1.00 MiB", "exact", "–", "–"]);
    assert!(
        page.text().contains("\ntracked Voucher: 1,024 created, 0 dropped since process start\n"),
        "{page}"
    );
    assert!(summary().to_string().contains("1,024 |     1.00 MiB |  exact"), "{}", summary());
    drop(vouchers);
}
