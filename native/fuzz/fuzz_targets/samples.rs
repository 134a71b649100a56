//! A well-formed text of each language, to begin with.

use std::path::Path;
use std::sync::OnceLock;

use wainwright_syntax::Language;

use crate::laws;

pub fn sample(language: Language) -> &'static [u8] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../syntax/tests/samples");
    let samples = || Language::ALL.iter().map(|&language| laws::sample(&folder, language)).collect();
    let place = Language::ALL.iter().position(|&other| other == language).expect("a language");
    &SAMPLES.get_or_init(samples)[place]
}
