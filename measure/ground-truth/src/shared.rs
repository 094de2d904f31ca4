//! Boxes and shared values. They are built on the main thread, which keeps the `Rc`s.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::element::*;
use crate::ledger::{keep, own};

const TEXT: &str = "how vexingly quick daft zebras jump, sphinx of black quartz";

/// A trait for trait objects.
trait Shape {
    fn area(&self) -> u64;
}

impl Shape for BoxedDyn {
    fn area(&self) -> u64 {
        u64::from(*self > Self::nth(3))
    }
}

pub(crate) fn populate() {
    own("Box", || elements::<Boxed>(400).for_each(|element| keep(Box::new(element))));
    own("Box (twin)", || elements::<BoxedTwin>(450).for_each(|element| keep(Box::new(element))));
    own("Box<[_; 2]>", || {
        (0..100).for_each(|n| keep(Box::new([BoxedArray::nth(n), BoxedArray::nth(n + 1)])));
    });
    own("Option<Box>", || elements::<BoxedOption>(400).for_each(|element| keep(Some(Box::new(element)))));
    own("Box<dyn _>", || {
        elements::<BoxedDyn>(400).for_each(|element| {
            let shape: Box<dyn Shape> = Box::new(element);
            std::hint::black_box(shape.area());
            keep(shape);
        });
    });
    own("Rc", || elements::<RcItem>(400).for_each(|element| keep(Rc::new(element))));
    own("Rc<[_]>", || (0..40).for_each(|_| keep(elements(200).collect::<Rc<[RcSliceItem]>>())));
    own("Rc<str>", || {
        for n in 1..100 {
            keep(Rc::<str>::from(&TEXT[n % 9..]));
            keep(Rc::<str>::from(TEXT.repeat(3).split_off(n % 9)));
        }
    });
    own("Rc<[u8]>", || (1..100).for_each(|n| keep(Rc::<[u8]>::from(&TEXT.as_bytes()[n % 9..]))));
    own("Arc", || elements::<ArcItem>(400).for_each(|element| keep(Arc::new(element))));
    own("Arc (twin)", || elements::<ArcTwin>(450).for_each(|element| keep(Arc::new(element))));
    own("Arc<[_]>", || {
        for _ in 0..20 {
            let items: Vec<ArcSliceItem> = elements(100).collect();
            keep(Arc::<[ArcSliceItem]>::from(items));
        }
    });
    own("Arc<Mutex>", || {
        elements::<ArcMutexItem>(300).for_each(|element| keep(Arc::new(Mutex::new(element))))
    });
    own("Arc<parking_lot::RwLock>", || {
        elements::<ParkingItem>(300).for_each(|element| keep(Arc::new(parking_lot::RwLock::new(element))));
    });
    own("std::sync::mpsc", || {
        let (sender, receiver) = std::sync::mpsc::channel();
        elements::<StdChannelItem>(1_000).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
    own("std::sync::mpsc (twin)", || {
        let (sender, receiver) = std::sync::mpsc::channel();
        for n in (1..2_400).step_by(2) {
            drop(sender.send(StdChannelTwin::nth(n)));
        }
        keep((sender, receiver));
    });
    own("std::sync::mpsc, bounded", || {
        let (sender, receiver) = std::sync::mpsc::sync_channel(500);
        elements::<StdSyncItem>(400).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
    callbacks();
}

/// Closures that own their captures, like handlers.
fn callbacks() {
    for n in 0..300_u64 {
        let state = std::hint::black_box([n; 90]);
        own("Box<dyn Fn>", || {
            let callback: Box<dyn Fn(usize) -> u64> = Box::new(move |at| state[at % state.len()]);
            std::hint::black_box(callback(3));
            keep(callback);
        });
    }
}
