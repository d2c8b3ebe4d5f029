/* The least a PC/SC client can do: send one APDU over and over and tell how long each took. No error handling but exit.
 *
 * Usage: client READER APDU-IN-HEX. Says "ready"; then for each line "N" on standard input sends N APDUs and
 * answers one line of N times in nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

static void check(LONG result, const char *what)
{
    if (result != SCARD_S_SUCCESS) {
        fprintf(stderr, "%s: 0x%lX\n", what, (unsigned long)result);
        exit(1);
    }
}

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
    unsigned char command[300], answer[300];
    DWORD protocol, command_length = strlen(argv[2]) / 2, answer_length;
    SCARDCONTEXT context;
    SCARDHANDLE card;
    long count;

    (void)argc;
    for (DWORD i = 0; i < command_length; i++)
        sscanf(argv[2] + 2 * i, "%2hhx", &command[i]);
    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "establish");
    check(SCardConnect(context, argv[1], SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol),
          "connect");
    puts("ready");
    fflush(stdout);
    while (scanf("%ld", &count) == 1) {
        long long *took = malloc(count * sizeof *took);
        for (long i = 0; i < count; i++) {
            long long began = now_ns();
            answer_length = sizeof answer;
            check(SCardTransmit(card, protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1, command,
                                command_length, NULL, answer, &answer_length),
                  "transmit");
            took[i] = now_ns() - began;
            if (answer_length < 2 || answer[answer_length - 2] != 0x90)
                check(1, "answer");
        }
        for (long i = 0; i < count; i++)
            printf("%lld ", took[i]);
        puts("");
        fflush(stdout);
        free(took);
    }
    return 0;
}
