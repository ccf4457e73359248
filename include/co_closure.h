/*
 * co_closure.h - a piece of code and the variables it uses, as one object (C++ only, and for C++98 too).
 *
 *     co_ref(shared, total, done);              // `shared` holds references to total and done
 *     co_func(Task, shared, i) {                // class Task: what it lists is copied into each object
 *       shared.total += i;
 *     }
 *     co_func_end;
 *     stCoClosure_t *task = new Task(shared, i);
 *     task->exec();
 *     delete task;
 *
 * An object may be made in one thread and run in another; whatever it refers to must live as long and be
 * locked as any other shared variable. Nothing here needs a coroutine.
 */
#ifndef CO_CLOSURE_H
#define CO_CLOSURE_H

/*
 * Variadic macros are no part of C++98, and GCC can be kept from warning of them only for a whole header.
 * Bodies written between co_func() and co_func_end are the program's own: warnings in them stay.
 */
#pragma GCC system_header

/* What every closure is, for those who run them without knowing which one. */
struct stCoClosure_t {
  virtual ~stCoClosure_t() {}
  /* Runs the body, in the caller's thread and coroutine. It may be called any number of times. */
  virtual void exec() = 0;
};

/*
 * co_ref(name, variables...): makes an object `name` with a reference to each listed variable (none to
 * eight), used as name.variable. It stands in a function, among the declarations. A variable is a plain name:
 * not `a.b`, not `*p`.
 */
#define co_ref(...)                                                                                       \
  CO_CLOSURE_EACH(CO_CLOSURE_TYPE, CO_CLOSURE_NOTHING, __VA_ARGS__)                                       \
  struct CO_CLOSURE_JOIN(type_, CO_CLOSURE_FIRST(__VA_ARGS__)) : stCoClosureRef_t {                       \
    CO_CLOSURE_EACH(CO_CLOSURE_REFERENCE, CO_CLOSURE_NOTHING, __VA_ARGS__)                                \
    CO_CLOSURE_JOIN(type_, CO_CLOSURE_FIRST(__VA_ARGS__))                                                 \
    (CO_CLOSURE_EACH(CO_CLOSURE_REFERENCE_PARAMETER, CO_CLOSURE_COMMA, __VA_ARGS__))                      \
        : stCoClosureRef_t() CO_CLOSURE_EACH(CO_CLOSURE_INITIALISER, CO_CLOSURE_NOTHING, __VA_ARGS__) {}  \
  } CO_CLOSURE_FIRST(__VA_ARGS__) = CO_CLOSURE_JOIN(type_, CO_CLOSURE_FIRST(__VA_ARGS__))(                \
      CO_CLOSURE_EACH(CO_CLOSURE_VARIABLE, CO_CLOSURE_COMMA, __VA_ARGS__))

/*
 * co_func(name, variables...) { body } co_func_end; makes a class `name`, a stCoClosure_t whose exec() is the
 * body. Its constructor takes the listed variables (none to eight) in their order and copies them; the body
 * sees the copies, by the variables' own names. List an object of co_ref() to work on the originals. The body
 * sees no other local variable, and neither `this` of the function around it; a value returned from it is
 * lost, so it returns none.
 */
#define co_func(...)                                                                                      \
  CO_CLOSURE_EACH(CO_CLOSURE_TYPE, CO_CLOSURE_NOTHING, __VA_ARGS__)                                       \
  struct CO_CLOSURE_FIRST(__VA_ARGS__) : stCoClosure_t {                                                  \
    CO_CLOSURE_EACH(CO_CLOSURE_COPY, CO_CLOSURE_NOTHING, __VA_ARGS__)                                     \
    explicit CO_CLOSURE_FIRST(__VA_ARGS__)(                                                               \
        CO_CLOSURE_EACH(CO_CLOSURE_COPY_PARAMETER, CO_CLOSURE_COMMA, __VA_ARGS__))                        \
        : stCoClosure_t() CO_CLOSURE_EACH(CO_CLOSURE_INITIALISER, CO_CLOSURE_NOTHING, __VA_ARGS__) {}     \
    virtual void exec()
#define co_func_end }

/* Base of what co_ref() makes: something to initialise first when no variable is listed. */
struct stCoClosureRef_t {};

/*
 * The rest is how the two are made. In every list the closure's name comes first, which keeps the list from
 * ever being empty (an empty variadic list is no standard C++ before C++20), and makes the helper types'
 * names unique.
 */
#define CO_CLOSURE_TYPE(name, i, variable) typedef __typeof__(variable) co_type_##name##_##i;
#define CO_CLOSURE_REFERENCE(name, i, variable) co_type_##name##_##i &variable;
#define CO_CLOSURE_REFERENCE_PARAMETER(name, i, variable) co_type_##name##_##i &co_arg_##i
#define CO_CLOSURE_COPY(name, i, variable) co_type_##name##_##i variable;
#define CO_CLOSURE_COPY_PARAMETER(name, i, variable) const co_type_##name##_##i &co_arg_##i
#define CO_CLOSURE_INITIALISER(name, i, variable) , variable(co_arg_##i)
#define CO_CLOSURE_VARIABLE(name, i, variable) variable

#define CO_CLOSURE_NOTHING()
#define CO_CLOSURE_COMMA() ,
#define CO_CLOSURE_JOIN(a, b) CO_CLOSURE_JOIN_(a, b)
#define CO_CLOSURE_JOIN_(a, b) a##b
#define CO_CLOSURE_FIRST(...) CO_CLOSURE_FIRST_(__VA_ARGS__, 0)
#define CO_CLOSURE_FIRST_(name, ...) name

/* The number of variables behind the name. */
#define CO_CLOSURE_COUNT(...) CO_CLOSURE_COUNT_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
#define CO_CLOSURE_COUNT_(name, a, b, c, d, e, f, g, h, n, ...) n

/* m(name, 1, a) s() m(name, 2, b) s() ... */
#define CO_CLOSURE_EACH(m, s, ...) CO_CLOSURE_JOIN(CO_CLOSURE_EACH_, CO_CLOSURE_COUNT(__VA_ARGS__))(m, s, __VA_ARGS__)
#define CO_CLOSURE_EACH_0(m, s, name)
#define CO_CLOSURE_EACH_1(m, s, name, a) m(name, 1, a)
#define CO_CLOSURE_EACH_2(m, s, name, a, b) CO_CLOSURE_EACH_1(m, s, name, a) s() m(name, 2, b)
#define CO_CLOSURE_EACH_3(m, s, name, a, b, c) CO_CLOSURE_EACH_2(m, s, name, a, b) s() m(name, 3, c)
#define CO_CLOSURE_EACH_4(m, s, name, a, b, c, d) CO_CLOSURE_EACH_3(m, s, name, a, b, c) s() m(name, 4, d)
#define CO_CLOSURE_EACH_5(m, s, name, a, b, c, d, e) CO_CLOSURE_EACH_4(m, s, name, a, b, c, d) s() m(name, 5, e)
#define CO_CLOSURE_EACH_6(m, s, name, a, b, c, d, e, f) CO_CLOSURE_EACH_5(m, s, name, a, b, c, d, e) s() m(name, 6, f)
#define CO_CLOSURE_EACH_7(m, s, name, a, b, c, d, e, f, g) CO_CLOSURE_EACH_6(m, s, name, a, b, c, d, e, f) s() m(name, 7, g)
#define CO_CLOSURE_EACH_8(m, s, name, a, b, c, d, e, f, g, h) \
  CO_CLOSURE_EACH_7(m, s, name, a, b, c, d, e, f, g) s() m(name, 8, h)

#endif /* CO_CLOSURE_H */
