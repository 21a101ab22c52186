//! Worked examples of SRP with every intermediate value, in hexadecimal digits unless said
//! otherwise.
//!
//! The values were computed by `amazon-cognito-identity-js` 6.3.21 and by an independent Python
//! implementation, which agreed. In both, `a` is 128 bytes of `a1`, `b` is 128 bytes of `b2`, the
//! secret block is the bytes 0 to 63.

/// Base64 of the secret block.
pub(crate) const SECRET_BLOCK: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";

/// The timestamp in both.
pub(crate) const TIMESTAMP: &str = "Fri Sep 5 09:03:07 UTC 2025";

/// `k`, which is the same for everyone.
pub(crate) const K: &str = "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6";

/// A user.
pub(crate) mod user {
    /// The pool.
    pub(crate) const POOL_ID: &str = "us-east-1_TestPool1";
    /// The name.
    pub(crate) const USERNAME: &str = "11111111-2222-4333-8444-555555555555";
    /// The password.
    pub(crate) const PASSWORD: &str = "Correct-Horse-9!";
    /// The salt.
    pub(crate) const SALT: &str = "8ce8291892390f6b53a245933faf6164";
    /// `H(pool ‖ name ‖ ":" ‖ password)`.
    pub(crate) const INNER: &str =
        "e2a40e8fe2fac885e72488595a3e18ce9c9c5da6c7cd0d2a076b2eee094766fc";
    /// `x`.
    pub(crate) const X: &str = "2d2ba8e18b06440794a05f800d0ef4f722c062c06610f67731dac4d3902ef3ed";
    /// `v`.
    pub(crate) const V: &str = "\
        dfd4f1260f531d89f84374f0feb9dbf9e01234b94676eef5f5c0345174ead56b593b6189f21c614fea724679\
        281acce14849d3f0511c7f179197ae363a017e1d2910e0947f46c126515f9fcecc09f6c043f54be979b64a36\
        e28cb3b26e7b3c50a7fbfd564abfdff2a52295832d0e5211b9c1c29d4d91238f58b15f9c908367cf40112bdb\
        38a7ce77888379786f34ec52dbed1765abb6ff22ade3ced766fb01fabda30f767b6050e776916ba75592c91d\
        286eff1e272ba72efbd5705f4fb8e20fb3c6d94232fb7fdb50af203d08095db78ca417023f37d7eb9dadd0c9\
        5dcb7837fb80b1ab7e13117d09d45d2c5da384d770e46aada2e52437bdb016915d571125579e98efcdb8d61b\
        5ba4b713656ebe8a643077e8df30cdec443cc1f239233fb2081d9325f1554c46375746ed14d7c10cd79914fb\
        60d1fc5f8ae92f1ed40913bf45ceb469c216f5f16c85dfca7f5d07a00a3424eb7cf77932bd5d425281a80125\
        695aaed65cd2b5f0d4fbafbb2ffeb8f30499334c82add39564b5c37c06aac44e";
    /// `A`.
    pub(crate) const A: &str = "\
        c02a160ecd7f774f857baa05bd1b2ad7aebfaa860706eab803d36b0a02519016df15f42bf0bba4ebb0cf36bb\
        07f07777120e6cbb168a37bb685b5cb5bf13ed99bed6b6c2fdacd62a1fb99ba64da85256970fbbc9f12c6808\
        1ca066770fe7d2a6475855dbb19243d35fa6e63616e8f32c21d5d830c3acb99ef28b416f20e1acdf8e40d424\
        2b7cfeb5864a5123e5fbacb2ce223f08e586910a9e81de64100acf751f366b14d5ce00bc22ca5c79db8dd8d2\
        e0d9f68f19304f1f748cec8cbeb5186596ed35f2088b33152191016395308af48c9fb016e0edf8526989a3a5\
        0e9b1c95830ee17bae1ff9834c3915b87ba4cd8500635528440ae81099dd2ee4141751d0dba5e7cf0163a682\
        41312fb1a239b8553404781a623208993b7b803bce0f7fa02f2fe992ed654c3efbea01ed7db620ba4b505bd0\
        72ab387d0a0f08ed9e5d7fec9bfbc22d7a5129580eca4c2a933f6f7aaa18a1e4f3f48c27973296b5bef6af7a\
        4b8291daf65a98ca40ad75b6c52c6a0030d423a19a1870467123d843146b2d63";
    /// `B`.
    pub(crate) const B: &str = "\
        e443d85e5ad1f2ddd95319f5d7783991d92d28de51f06fb8018b861c3c4d0f59bb662a405911384062a72e60\
        c9c501caf03784293039416ecec2568006fad19f43b2459093525165f53a95281289ea5706621989fbbf6eb2\
        1be90a5480257f15e208fbc4fcd3d3c76839264a554c818c1dbc3f670056d0600eaf039bbc8f6452558b93b6\
        866b241bfed1f74b6bded5d589db6c96505f17cacc5875713c5886750cb51334288287721a19d25444f1c66e\
        840af373cfa3721b944743f3e329e6f55e62bbaebacc954bf6a481ed84638a8ca2a5e2e8f6b655f3371615b9\
        929201217f525d2bfad92c9c9810b5df8ea91e574baaf0ca6a0111b5acb23f28455c0f56be09a1a9a3b77244\
        b476f26e9a347bf3f9a121a06da98713716bb9d125b849b4510a140f67e83eacf63e34f2ddd2242998950fe7\
        7832af9531679010b469f14096b0751b190edd158db5c484300fc5418e25edcfc6dafe17d57637ad84a2e906\
        40db9fedb66de6e3ae263d215c11bfd4bf17165c231ffcd1084a58abac5b9077";
    /// `u`.
    pub(crate) const U: &str = "181f039d33b908d8dd6b982cd0ed5bb722940ca3d983aa146f420e5365532d4c";
    /// `S`.
    pub(crate) const S: &str = "\
        1ae3958c6666191452fa937032ac00ee9119626fa6006fa54c37eefca5f119107b955423db4276848917a47d\
        812b0e7471df773648c55460696d9296e44084b9541b01ce05fd5612c173944640c1f34f6f84aeabde14e219\
        cb4bd05de76e8b473892fc31449ffbb42b7fb6b3589e12cbf54261739ab603f183e40ce28a0b94663d1416cc\
        eedc234d95b90bd88770f16b0e39c7554cd092c9fe06677b386aa7b8a5a52d628078eb596d36f28253ca5be0\
        4e8b7e1b9ea41a08f264d7a76410d703fa93a1f5fff586ffc794f9f4454145248156f85dbace80fc81e72fd3\
        3afba80c7cc3f1ccea622a2cf3941b91d5fdaf24a11b46f39821ce8a841bbbf539f3ce75773972e6681c602f\
        37485140358574d5b6a850c059da49798e588e0607793f26d47b212a1171047dd0def76e5a256ae85479bed1\
        1fb668b5a21a1fe239c8d121cd62bd239a675e8e64f78398f0fb9c90ab0d03b8e3da71a5d7d1ae54c1a6751e\
        4e087d015cca3cafc25f707cae68bcd1693ebd546b143e7c7e07ab9e14b765bb";
    /// `PRK`.
    pub(crate) const PRK: &str = "8d44913364a5e847c97c8e7ec468433ac39534bb7fca59143e26ba035deb97ec";
    /// `K`.
    pub(crate) const K: &str = "3b6d7488b05ec6bc3afdbb862f3dc971";
    /// The signature, base64.
    pub(crate) const SIGNATURE: &str = "iYs9+yccdlya59BR4OXKUDzoFWY/AoJSy6K3NUOQBno=";
    /// SHA-256 of `pad` of it.
    pub(crate) const A_PADDED_HASH: &str =
        "4f28fcc7e14712fc7eab743cbd192e458799241dda4ac02676feb909b6429e47";
    /// SHA-256 of `pad` of it.
    pub(crate) const B_PADDED_HASH: &str =
        "0532d12d86471db934c98246a7a28e6802f101e7c2b09c0a83f71bd5520e5ca2";
    /// SHA-256 of `pad` of it.
    pub(crate) const V_PADDED_HASH: &str =
        "a8cd1f02234acf90080f7d73a7df8da215250b53039928c68807df48c82e47a9";
    /// SHA-256 of `pad` of it.
    pub(crate) const S_PADDED_HASH: &str =
        "b1dfa6d5e614d0e029060d170602ba007763c1c6d2aa17c496cb60bbd1f32355";
}

/// A remembered device.
pub(crate) mod device {
    /// The group key.
    pub(crate) const GROUP_KEY: &str = "-AbCdEf12";
    /// The device key.
    pub(crate) const KEY: &str = "us-east-1_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    /// The device's password.
    pub(crate) const PASSWORD: &str = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKiw==";
    /// The salt.
    pub(crate) const SALT: &str = "f0e0d0c0b0a09080706050403020100";
    /// `Salt` of `ConfirmDevice`, base64.
    pub(crate) const SALT_BASE64: &str = "Dw4NDAsKCQgHBgUEAwIBAA==";
    /// `PasswordVerifier` of `ConfirmDevice`, base64.
    pub(crate) const VERIFIER: &str = "\
        FuqC7ZWpOqEAeyK8t1ck5D02AqCaUlNuWrP+RB7rAdqx1oPkD/LcemhPRfuTtBuUwNZt0+odc8piEzPljQKZHuej\
        MQGU2x2EKxDzLkn5oBUm5nQ2pCGyper7S90AlRz/PTHg+dxkVfIEKJenjsTJg74UymNAW+HV877q2Mv2ehvfK2Q+\
        nAXZqL+3GPTWEBOSdz8agRs3OuG8d7/tq1TYu4GQhPy1lfQz4EtWNz1O3dK9IEx0IPFquCKMxiFrGOluFBS1Wc2z\
        h4Pu0b4QBVj8xy1JUI1AOcFaVjF3TOdn0wmiCCGIQowSWvnixz6tEYbFhURe/9nNi5Yd7bOqRJCN666kSShkkKvN\
        YVyCOv3aOETgSMcCzhO/831Zsk7dyhXJof45ljMtap7H9Afn89tnm/aMp4h1NS/h3/bDfTCFfGYDVigq3M3lYSFM\
        YypWfpW1byYFVR8n/NKlGuhc7lKslrJdo83tP++D6uQfWCFQIm5HD03k9wltgEB+pzFnbasG";
    /// `x`.
    pub(crate) const X: &str = "3cc5b888ddc6c020c352b5dd9a9d2c29f9f757ef3af0cb6e7016d9a8d75e1bf9";
    /// `B`.
    pub(crate) const B: &str = "\
        9919373730a3113fdec6e5bf58cd64e0343a2a3a134b43473d458e89dd51c033c34e65297ef63f1e8c31b60f\
        e65c851e46d0f698442dc73e041236187589480773d054e31c79ae0c058481094829bddc030db4905ce3d313\
        d42c97595986b92c84b8c7fd1798ed1a5fa278db207d235551410440445ce0361ea86a164e950b43058a54ad\
        7953c1e927b0154edbffc5fe2a56af0751e1c0ccffa931c527a335a564085433eda11a9d12526ba39629647e\
        d39c8926c65573ba13edbf4aabcdf44c2034e855b6122d0e1d48fdf3bad0570ad03d1dd0a6cbfeb40f0062c8\
        5c2683b35a59ee43b4c3ea87c2755a07c468df22ae11edafc8e1bcc3c010dee8db76a591847c6a1298d50c73\
        2c886b5dcef1a97958864381fb275181810a25d321a682c1d783d412055966a7d06de75c423bd88ce70de48c\
        d997275126a46b758ab1d2c790c3c23b160743463d23f0bc59ae5c11ea7184f7e6502c85544c82cae50a8b06\
        5b2b9fe77d46ff8b1b25147c00ab747a08a8f8b32e5d0e37d378b383334f0f0f";
    /// `u`; its top bit is set, `pad` makes it 33 bytes.
    pub(crate) const U: &str = "acdf8b1f195c8e1832d49543bb17dea6007299f1130e64e6cd6f7e81a4e4afc7";
    /// `S`.
    pub(crate) const S: &str = "\
        5bcdf0bbe4b9cd51c7f9da06b77264f4bdda1ac892ca5e633a7650dc0eab80ab3738c7202c9b24b6e12b1677\
        373f2a7e9138b06c5bf201bfbee5f70d3b2b256e69ce6580f958112201977e4edf2b8507adb0b850bafb6689\
        668989a0f434e622a87a36c5948bb0768a3ff6f5bc137c989b95aa118f40dc5b81c86e57ca8b2980d4ce4378\
        fe9c0a7c4b188e3f37fb752733c651eea97d0edf9396ab402344e61ab4c7459a0e5a9bcd009a0e774623a7f3\
        34352c7b1f05085bab0edbd6dc2b2e11422cec4853d81f81a7c1553bbcad9c9b8ce4c704c526ede46dafecfa\
        9c74539a1a5d83bb40770eaac61e9293a48d55fe76f8259886939b94c54a130db33c61526416ebf760647a0b\
        18d7f5913dc41e04397b9fff1aeb2cc9e7b91fce4f9389b220963d1dbcda0df365d68cb05cc5ddcde7260b9b\
        2b78ba207ed8e9511dea4a716bf710fe4eb2615cabdb61012cf3f6a2aea62f4d78a76f84db284b0c11a786e7\
        cf108179c2caa37ab7f4dfe15439de559c725b17dabbb1ded9389f568f51fb20";
    /// `K`.
    pub(crate) const K: &str = "db8edd18143d88bdfe14fe5ead2fc8e9";
    /// The signature, base64.
    pub(crate) const SIGNATURE: &str = "mMnY0//Ug9Io3OPLsZj146r/QuLhVTq4idGSg3X6B0Q=";
}
