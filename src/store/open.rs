//! Opens the store that a URL names, or says why not.
