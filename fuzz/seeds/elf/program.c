struct list { struct list *next; long value; };
static inline __attribute__((always_inline)) long sum(struct list *list) { long s = 0; while (list) { s += list->value; list = list->next; } return s; }
__attribute__((noinline)) long twice(struct list *list) { return 2 * sum(list) + sum(list->next); }
void _start(void) { struct list a = {0, 1}, b = {&a, 2}; volatile long r = twice(&b); (void)r; for (;;) {} }
