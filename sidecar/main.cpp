#include "sidecar/command_line.hpp"

int main(int argc, char** argv) {
    return herald::sidecar::command_line(argc, argv);
}
