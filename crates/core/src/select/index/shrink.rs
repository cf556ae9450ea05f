//! When collections give memory back.

/// Gives memory back that a collection has no longer use for, seldom enough that this costs little for each removal.
macro_rules! shrink {
    ($collection:expr) => {
        if $collection.capacity() > 64 && $collection.len() < $collection.capacity() / 4 {
            $collection.shrink_to($collection.len() * 2);
        }
    };
}

pub(super) use shrink;
