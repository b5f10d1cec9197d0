"""A futures counter in memory, behind API objects that look like the library's: real structs go through the callbacks of ours."""
