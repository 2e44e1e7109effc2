#include "sidecar/cli/token.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "sidecar/cli/token_check.hpp"
#include "sidecar/cli/token_key.hpp"
#include "sidecar/cli/token_mint.hpp"
#include "sidecar/cli/token_words.hpp"
#include "sidecar/files.hpp"

namespace herald::cli {

namespace {

struct Options {
    // Both
    std::string key{};
    std::vector<std::string> algorithms{};
    std::string iss{};
    std::vector<std::string> audiences{};
    std::string roles_claim = "roles";
    // Minting
    Wanted wanted{};
    std::string lifetime = "1h";
    // Checking
    std::string token{};
    std::string jwks{};
    std::string user_claim = "sub";
    std::string leeway = "30s";
    std::vector<std::string> requirements{};
    std::string admin_role{};
};

jwt::Algorithms parse_algorithms(const std::vector<std::string>& names) {
    jwt::Algorithms algorithms;
    for (const std::string& name : names) {
        const auto algorithm = jwt::algorithm_of(name);
        if (!algorithm)
            throw CLI::ValidationError("--alg " + name +
                                       ": expected HS256, HS384, HS512, RS256, RS384, RS512, "
                                       "PS256, PS384, PS512, ES256, ES384 or EdDSA");
        algorithms.add(*algorithm);
    }
    return algorithms;
}

int64_t parse_time(const std::string& option, const std::string& text) {
    const auto seconds = parse_duration(text);
    if (!seconds)
        throw CLI::ValidationError(option + " " + text +
                                   ": expected seconds, or a number with s, m, h or d such as 15m");
    return *seconds;
}

// -- minting

int mint_token(const Options& options) {
    if (options.key.empty())
        throw CLI::ValidationError("a token is signed: expected --key FILE or --key env:NAME");
    if (options.algorithms.size() > 1)
        throw CLI::ValidationError("a token is signed once: expected one --alg");
    const jwt::Algorithms allowed = parse_algorithms(options.algorithms);
    Wanted wanted = options.wanted;
    if (options.lifetime != "never")
        wanted.lifetime = parse_time("--exp", options.lifetime);
    wanted.iss = options.iss;
    wanted.audiences = options.audiences;
    wanted.roles_claim = options.roles_claim;
    jwt::Json claims;
    try {
        claims = make_claims(wanted, std::time(nullptr));
    } catch (const std::invalid_argument& error) {
        throw CLI::ValidationError(error.what());
    }

    const TokenKey key = load_token_key(options.key);
    if (key.pair != nullptr && !key.is_private)
        throw std::runtime_error(options.key + " has a public key: only a private key can sign");
    const auto keys = checking_keys(key, allowed, options.key);
    const std::string token =
        mint(key, usual_algorithm(keys->keys.at(0).algorithms), wanted.kid, claims);
    if (token.size() > jwt::kMaxToken)
        throw std::runtime_error("the token has " + std::to_string(token.size()) +
                                 " bytes; nobody would accept more than " +
                                 std::to_string(jwt::kMaxToken));
    std::printf("%s\n", token.c_str());
    return EXIT_SUCCESS;
}

// -- checking

// Standard input, without the blanks and line ends around the token; somewhat more than a token
// may have is enough to see that it is too long.
std::string read_standard_input() {
    std::string text;
    char buffer[4096];
    while (text.size() <= 2 * jwt::kMaxToken) {
        const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw std::system_error(errno, std::generic_category(), "read standard input");
        if (got == 0)
            break;
        text.append(buffer, static_cast<size_t>(got));
    }
    constexpr const char* kBlank = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlank);
    if (first == text.npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::shared_ptr<const jwt::KeySet> load_jwks(const std::string& path, jwt::Algorithms allowed) {
    std::vector<std::string> skipped;
    std::string why;
    auto keys = jwt::import_jwks(sidecar::read_file(path), allowed, skipped, why);
    if (keys == nullptr)
        throw std::runtime_error(path + ": " + why);
    for (const std::string& sentence : skipped)
        std::fprintf(stderr, "herald: %s: %s; passed over\n", path.c_str(), sentence.c_str());
    return keys;
}

int check_token(const Options& options) {
    Examination examination;
    jwt::Issuer& issuer = examination.issuer;
    issuer.iss = options.iss;
    issuer.audiences = options.audiences;
    issuer.user_claim = options.user_claim;
    issuer.roles_claim = options.roles_claim;
    issuer.leeway = parse_time("--leeway", options.leeway);
    if (issuer.leeway < 0)
        throw CLI::ValidationError("--leeway " + options.leeway + ": expected 0 or more");
    examination.admin_role = options.admin_role;
    const jwt::Algorithms allowed = parse_algorithms(options.algorithms);
    try {
        for (const std::string& text : options.requirements)
            examination.requirements.push_back(parse_requirement(text));
    } catch (const std::invalid_argument& error) {
        throw CLI::ValidationError(error.what());
    }

    if (!options.key.empty())
        issuer.keys.push_back(checking_keys(load_token_key(options.key), allowed, options.key));
    if (!options.jwks.empty())
        issuer.keys.push_back(load_jwks(options.jwks, allowed));
    const std::string token = options.token == "-" ? read_standard_input() : options.token;
    if (issuer.keys.empty()) {
        print_unverified(token, std::time(nullptr));
        return EXIT_FAILURE;
    }
    return examine(token, examination, std::time(nullptr)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

// An option that takes one value each time it is given.
CLI::Option* add_list(CLI::App* command, const std::string& name, std::vector<std::string>& list,
                      const std::string& what) {
    return command->add_option(name, list, what)->allow_extra_args(false);
}

}  // namespace

void add_token(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand("token", "mint a token for tests, or check one");
    auto options = std::make_shared<Options>();
    command->add_option("--key", options->key,
                        "a PEM key or a secret: a file, or env:NAME; never the secret itself");
    add_list(command, "--alg", options->algorithms,
             "HS256, RS256, ES256, EdDSA ... (the usual one of the key); when checking, what is "
             "allowed");
    command->add_option("--iss", options->iss, "the issuer");
    add_list(command, "--aud", options->audiences, "the audience; may be given again");
    command->add_option("--roles-claim", options->roles_claim, "where the roles are, a dotted path")
        ->capture_default_str();

    std::vector<CLI::Option*> minting, checking;
    Wanted& wanted = options->wanted;
    minting.push_back(command->add_option("--sub", wanted.sub, "mint: the subject"));
    minting.push_back(
        add_list(command, "--role", wanted.roles, "mint: a role; may be given again"));
    minting.push_back(
        command->add_option("--exp", options->lifetime, "mint: 90, 15m, 1h, 7d, =-5m, never")
            ->capture_default_str());
    minting.push_back(command->add_option("--kid", wanted.kid, "mint: the name of the key"));
    minting.push_back(add_list(command, "--claim", wanted.claims,
                               "mint: NAME=JSON, a claim more; may be given again"));

    CLI::Option* check = command->add_option(
        "--check", options->token, "check this token; -: standard input, where nobody sees it");
    checking.push_back(
        command->add_option("--jwks", options->jwks, "check: a file with public keys"));
    checking.push_back(command
                           ->add_option("--user-claim", options->user_claim,
                                        "check: where the user is, a dotted path")
                           ->capture_default_str());
    checking.push_back(
        command->add_option("--leeway", options->leeway, "check: how far clocks may differ")
            ->capture_default_str());
    checking.push_back(
        add_list(command, "--require", options->requirements,
                 "check: \"role=R claim=PATH=V user=U\", any of them; may be given again: all"));
    checking.push_back(command->add_option("--admin-role", options->admin_role,
                                           "check: who has it needs no other grant"));
    for (CLI::Option* option : minting)
        option->excludes(check);
    for (CLI::Option* option : checking)
        option->needs(check);
    command->callback([options, check, &status] {
        status = check->count() != 0 ? check_token(*options) : mint_token(*options);
    });
}

}  // namespace herald::cli
