/* A program that is nothing but the libraries it is linked with. */
int main(void) { return 0; }
