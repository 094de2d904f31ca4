//! Protocol buffer messages, decoded from the wire format.

use std::collections::HashMap;

use prost::Message;

use crate::crates::size_class;
use crate::ledger::{keep, own, transfer};

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(string, tag = "1")]
    customer: String,
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    lines: Vec<OrderLine>,
    #[prost(sint64, repeated, tag = "4")]
    prices: Vec<i64>,
    #[prost(map = "uint64, double", tag = "5")]
    weights: HashMap<u64, f64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct OrderLine {
    #[prost(uint64, tag = "1")]
    article: u64,
    #[prost(uint32, tag = "2")]
    count: u32,
}

pub(crate) fn populate() {
    let sent = Order {
        customer: "a customer with a name of some length".into(),
        signature: vec![7; 256],
        lines: (0..40).map(|n| OrderLine { article: n, count: 2 }).collect(),
        prices: (0..30).collect(),
        weights: (0..50).map(|n| (n, 0.5)).collect(),
    };
    let encoded = sent.encode_to_vec();
    for _ in 0..200 {
        let order = own("map of a message", || Order::decode(&encoded[..]).expect("as it was encoded"));
        for (population, bytes) in [
            ("String", order.customer.capacity()),
            ("bytes of a message", order.signature.capacity()),
            ("messages in a message", order.lines.capacity() * size_of::<OrderLine>()),
            ("numbers in a message", order.prices.capacity() * size_of::<i64>()),
        ] {
            transfer(size_class(bytes), "map of a message", population);
        }
        keep(order);
    }
}
