// Settings of the address sanitizer for every program built with it.

// GCC 12's leak check follows the thread-local storage that it saw modules ask for while they were
// opened at run time (ours are), and reads a pointer that glibc since 2.25 no longer keeps there:
// "Tracer caught signal 11". It finds leaks without that list.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }
