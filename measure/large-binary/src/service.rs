//! A service that answers SQL over tables in memory, and keeps sessions, plans and results like a real service.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store::memory::InMemory;
use datafusion::object_store::{ObjectStoreExt, path::Path};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use futures::StreamExt;

use crate::queries::{TEMPLATES, query};
use crate::tables;

/// The number of queries of each template whose plans are kept.
const PLANNED: usize = 10;
/// The number of these queries that also run and whose results are kept.
const RUN: usize = 2;
/// The number of visitors.
const SESSIONS: usize = 60_000;
/// The number of tenants, which each have a table.
const TENANTS: i64 = 150;

/// The session of one visitor.
#[expect(dead_code, reason = "held, not read")]
pub(crate) struct Session {
    user: String,
    roles: Vec<String>,
    settings: [u64; 12],
    recent: Vec<u64>,
}

/// All data that the service keeps, by purpose.
pub(crate) struct Service {
    sessions: HashMap<String, Session>,
    context: SessionContext,
    statements: HashMap<String, Statement>,
    plans: HashMap<String, (LogicalPlan, Arc<dyn ExecutionPlan>)>,
    results: HashMap<String, Vec<RecordBatch>>,
    /// Queries whose first batch was fetched. The client may still fetch the other batches.
    cursors: Vec<SendableRecordBatchStream>,
}

impl Service {
    /// Fills the tables and answers some hundred queries.
    pub(crate) async fn start() -> Result<Self> {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(4));
        register_tables(&context).await?;
        let mut service = Self {
            sessions: (0..SESSIONS).map(session).collect(),
            context,
            statements: HashMap::new(),
            plans: HashMap::new(),
            results: HashMap::new(),
            cursors: Vec::new(),
        };
        for template in TEMPLATES {
            for n in 1..=PLANNED {
                service.answer(query(template, n), n <= RUN).await?;
            }
        }
        Ok(service)
    }

    async fn answer(&mut self, sql: String, run: bool) -> Result<()> {
        self.statements
            .extend(DFParser::parse_sql(&sql)?.pop_front().map(|statement| (sql.clone(), statement)));
        let frame = self.context.sql(&sql).await?;
        let physical = frame.clone().create_physical_plan().await?;
        let logical = frame.clone().into_optimized_plan()?;
        if run {
            let mut cursor = frame.clone().execute_stream().await?;
            if let Some(first) = cursor.next().await {
                first?;
                self.cursors.push(cursor);
            }
            self.results.insert(sql.clone(), frame.collect().await?);
        }
        self.plans.insert(sql, (logical, physical));
        Ok(())
    }

    /// The bytes of the session map's table: an entry and a control byte for each bucket.
    pub(crate) fn sessions_bytes(&self) -> u64 {
        let buckets = (self.sessions.capacity() * 8 / 7).next_power_of_two();
        (buckets * (size_of::<(String, Session)>() + 1)) as u64
    }
}

fn session(number: usize) -> (String, Session) {
    let session = Session {
        user: format!("visitor-{number}"),
        roles: ["reader", "analyst", "editor"][..1 + number % 3]
            .iter()
            .map(|role| (*role).to_owned())
            .collect(),
        settings: [number as u64; 12],
        recent: (0..number as u64 % 40).collect(),
    };
    (format!("{number:032x}"), session)
}

async fn register_tables(context: &SessionContext) -> Result<()> {
    in_partitions(context, "orders", 24, tables::orders)?;
    in_partitions(context, "customers", 3, tables::customers)?;
    in_partitions(context, "events", 24, tables::events)?;
    for number in 0..TENANTS {
        context.register_batch(format!("tenant_{number}"), tables::tenant(number)?)?;
    }
    let store = Arc::new(InMemory::new());
    let url = ObjectStoreUrl::parse("memory://archive")?;
    context.register_object_store(url.as_ref(), Arc::clone(&store) as _);
    for year in 0..4 {
        let path = Path::from(format!("events/{year}.parquet"));
        store.put(&path, parquet(100 + 6 * year..106 + 6 * year)?.into()).await?;
    }
    context.register_parquet("archive", "memory://archive/events/", ParquetReadOptions::default()).await
}

fn in_partitions(
    context: &SessionContext,
    name: &str,
    batches: i64,
    batch: fn(i64) -> Result<RecordBatch>,
) -> Result<()> {
    let batches: Vec<RecordBatch> = (0..batches).map(batch).collect::<Result<_>>()?;
    let schema = batches[0].schema();
    let partitions = batches.chunks(batches.len().div_ceil(4)).map(<[RecordBatch]>::to_vec).collect();
    context.register_table(name, Arc::new(MemTable::try_new(schema, partitions)?))?;
    Ok(())
}

/// A parquet file of events.
fn parquet(batches: std::ops::Range<i64>) -> Result<Vec<u8>> {
    let mut writer = ArrowWriter::try_new(Vec::new(), tables::events(0)?.schema(), None)?;
    for batch in batches {
        writer.write(&tables::events(batch)?)?;
    }
    Ok(writer.into_inner()?)
}
