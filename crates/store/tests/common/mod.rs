//! What tests and fuzz targets share.

pub(crate) mod recovery;
