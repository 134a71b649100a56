#include <stdio.h>
#include "shop.h"

#define MAX 10
#define SQUARE(x) ((x) * (x))

/* A thing. */
struct item {
    int price;
    struct item *next;
};

typedef struct { int count; } basket_t;
typedef int (*compare_fn)(const void *, const void *);
enum colour { RED, GREEN };

static int total = 0;
int prototype(int a,
              int b);

/* Adds up. */
static int *
sum(struct item *first, basket_t *basket)
{
    int local = helper(first);
    return basket->on_done(SQUARE(local));
}
