/* The least a virtual card can do: answer every command with eight bytes. It follows the same rules of the vpcd link as ours
 * (docs/spec/pcsc.md section 4): quick acknowledgement after every receive, one send per frame.
 *
 * Usage: card PORT
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned char ATR[] = {0, 17, 0x3B, 0x6D, 0, 0, 0, 0x81, 0x54, 0x31, 0x32, 0x86, 0x60, 0x37, 0x09, 0, 0, 0, 2};
static const unsigned char ANSWER[] = {0, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x90, 0x00};

int main(int argc, char **argv)
{
    static unsigned char buffer[65537];
    struct sockaddr_in reader = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    int link = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    size_t have = 0, whole;
    ssize_t got;

    reader.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(link, (struct sockaddr *)&reader, sizeof reader) < 0)
        return 1;
    setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(link, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    while ((got = recv(link, buffer + have, sizeof buffer - have, 0)) > 0) {
        setsockopt(link, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
        have += got;
        while (have >= 2 && have >= (whole = 2 + (buffer[0] << 8 | buffer[1]))) {
            if (whole > 3)
                got = send(link, ANSWER, sizeof ANSWER, 0);
            else if (buffer[2] == 4)
                got = send(link, ATR, sizeof ATR, 0);
            memmove(buffer, buffer + whole, have -= whole);
        }
    }
    return 0;
}
