//! Generated rows, as record batches of arrow. All values are computed from row numbers, so that runs hold equal
//! data.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, ListBuilder,
    RecordBatch, StringArray, StringBuilder, StringViewArray, TimestampMillisecondArray,
};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::error::Result;

/// The number of rows in a batch.
pub(crate) const BATCH: i64 = 8192;

/// 2026-01-01, in milliseconds since the Unix epoch.
const NEW_YEAR: i64 = 1_767_225_600_000;

/// Numbers that look random (splitmix64).
fn scattered(row: i64, column: i64) -> i64 {
    let mut mixed =
        row.wrapping_mul(31).wrapping_add(column).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9_u64.cast_signed());
    (mixed ^ (mixed >> 27)) & i64::MAX
}

fn moment(row: i64) -> i64 {
    NEW_YEAR + scattered(row, 0) % (300 * 86_400_000)
}

/// A batch of the table `orders`.
pub(crate) fn orders(batch: i64) -> Result<RecordBatch> {
    let rows = batch * BATCH..(batch + 1) * BATCH;
    let status = ["open", "paid", "packed", "sent", "returned"];
    let status: DictionaryArray<Int32Type> =
        rows.clone().map(|row| status[(scattered(row, 1) % 5) as usize]).collect();
    let mut tags = ListBuilder::new(StringBuilder::new());
    for row in rows.clone() {
        for tag in 0..scattered(row, 2) % 3 {
            tags.values().append_value(format!("tag-{}", scattered(row, tag) % 50));
        }
        tags.append(true);
    }
    batch_of([
        ("id", Arc::new(Int64Array::from_iter_values(rows.clone()))),
        (
            "customer",
            Arc::new(Int32Array::from_iter_values(
                rows.clone().map(|row| (scattered(row, 3) % 20_000) as i32),
            )),
        ),
        ("placed", Arc::new(TimestampMillisecondArray::from_iter_values(rows.clone().map(moment)))),
        (
            "amount",
            Arc::new(Float64Array::from_iter_values(
                rows.clone().map(|row| (scattered(row, 4) % 90_000) as f64 / 100.0),
            )),
        ),
        (
            "sku",
            Arc::new(StringViewArray::from_iter_values(
                rows.map(|row| format!("SKU-{:04}-{:08}", scattered(row, 5) % 3650, row)),
            )),
        ),
        ("status", Arc::new(status)),
        ("tags", Arc::new(tags.finish())),
    ])
}

/// A batch of the table `customers`, whose first column counts from 0.
pub(crate) fn customers(batch: i64) -> Result<RecordBatch> {
    let rows = batch * BATCH..(batch + 1) * BATCH;
    let countries = ["Austria", "Brazil", "Chile", "Denmark", "Egypt", "Finland", "Ghana"];
    let balance =
        Decimal128Array::from_iter_values(rows.clone().map(|row| i128::from(scattered(row, 6) % 5_000_000)));
    batch_of([
        ("id", Arc::new(Int32Array::from_iter_values(rows.clone().map(|row| row as i32)))),
        ("name", Arc::new(StringArray::from_iter_values(rows.clone().map(|row| format!("Customer {row}"))))),
        (
            "email",
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| format!("customer-{row}@mail{}.example", row % 40)),
            )),
        ),
        (
            "country",
            Arc::new(StringArray::from_iter_values(
                rows.map(|row| countries[(scattered(row, 7) % 7) as usize]),
            )),
        ),
        ("balance", Arc::new(balance.with_precision_and_scale(12, 2)?)),
    ])
}

/// A batch of the table `events`.
pub(crate) fn events(batch: i64) -> Result<RecordBatch> {
    let rows = batch * BATCH..(batch + 1) * BATCH;
    let kinds = ["view", "search", "add", "remove", "pay"];
    let payload = |row: i64| {
        format!(
            r#"{{"page":"/products/{}","referrer":"campaign-{}","depth":{}}}"#,
            scattered(row, 8) % 3650,
            row % 90,
            row % 17
        )
    };
    batch_of([
        ("at", Arc::new(TimestampMillisecondArray::from_iter_values(rows.clone().map(moment)))),
        (
            "customer",
            Arc::new(Int32Array::from_iter_values(
                rows.clone().map(|row| (scattered(row, 9) % 20_000) as i32),
            )),
        ),
        (
            "kind",
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| kinds[(scattered(row, 10) % 5) as usize]),
            )),
        ),
        (
            "duration",
            Arc::new(
                rows.clone()
                    .map(|row| (row % 11 != 0).then(|| scattered(row, 11) % 60_000))
                    .collect::<Int64Array>(),
            ),
        ),
        ("payload", Arc::new(StringArray::from_iter_values(rows.map(payload)))),
    ])
}

/// A small batch of one tenant's own table, with many columns.
pub(crate) fn tenant(tenant: i64) -> Result<RecordBatch> {
    let rows = 0..48;
    RecordBatch::try_from_iter((0..40).map(|column| {
        let value = |row: i64| scattered(tenant * 48 + row, column);
        let array: ArrayRef = match column % 3 {
            0 => Arc::new(Int64Array::from_iter_values(rows.clone().map(value))),
            1 => Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| format!("value {}", value(row) % 999)),
            )),
            _ => Arc::new(Float64Array::from_iter_values(rows.clone().map(|row| value(row) as f64))),
        };
        (format!("attribute_{column}"), array)
    }))
    .map_err(Into::into)
}

fn batch_of<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    Ok(RecordBatch::try_from_iter(columns)?)
}
