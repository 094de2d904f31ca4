//! Values that own one or several other values, inside themselves or elsewhere.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::visitor::{Allocative, Key, Visitor};

impl<T: Allocative + ?Sized> Allocative for Box<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        this.enter_heap(size_of_val::<T>(self)).descend::<T>(self);
    }
}

impl<T: Allocative + ?Sized> Allocative for Arc<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        if let Some(mut inside) = this.enter_arc(self) {
            inside.descend::<T>(self);
        }
    }
}

impl<T: Allocative> Allocative for Option<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        if let Some(value) = self {
            this.descend(value);
        }
    }
}

impl<T: Allocative, E: Allocative> Allocative for Result<T, E> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        match self {
            Ok(value) => this.visit_field(Key::new("Ok"), value),
            Err(error) => this.visit_field(Key::new("Err"), error),
        }
    }
}

impl<T: ToOwned<Owned: Allocative> + ?Sized> Allocative for Cow<'static, T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        if let Self::Owned(value) = self {
            this.descend(value);
        }
    }
}

impl<T: Allocative> Allocative for OnceLock<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        if let Some(value) = self.get() {
            this.descend(value);
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))*) => {
        $(impl<$($name: Allocative),+> Allocative for ($($name,)+) {
            fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
                let mut this = visitor.enter_self_sized::<Self>();
                $(this.visit_field(Key::new(stringify!($index)), &self.$index);)+
            }
        })*
    };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
