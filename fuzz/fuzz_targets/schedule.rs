#![no_main]
#![expect(missing_docs, reason = "the macro writes what is public")]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::schedule(bytes));
