//! The encoder of a job.

use crate::config::Config;
use crate::embed::{self, Cached, Embedder, EncoderChoice, ModelStore, VectorCache};
use crate::error::Result;

/// Opens an encoder, a transformer with the vectors that it gave before.
pub(super) fn open(choice: EncoderChoice<'_>, config: &Config) -> Result<Box<dyn Embedder>> {
    let store = ModelStore::locate(config.models_dir.as_deref())?;
    Ok(remembering(embed::open_at(choice, &store)?, config))
}

/// A transformer with the vectors that it gave before; other encoders are faster than a disk.
pub(super) fn remembering(encoder: Box<dyn Embedder>, config: &Config) -> Box<dyn Embedder> {
    let folder = VectorCache::locate(config.cache_dir.as_deref());
    let is_wanted = encoder.precision().is_some() && config.max_cache_bytes > 0;
    let Some(folder) = folder.filter(|_| is_wanted) else { return encoder };
    match VectorCache::open(&folder, config.max_cache_bytes) {
        Ok(cache) => Box::new(Cached::new(encoder, cache)),
        Err(error) => {
            tracing::warn!("{}: no vectors are kept for the next run: {error}", folder.display());
            encoder
        }
    }
}
